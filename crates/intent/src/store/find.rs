//! What is in the directory when a daemon begins: read whole, or set aside.

use super::{
    Found, NEXT, Record, STATE, SetAside, Store, StoreError, TEXTS, number_of, record::NoRecord,
};

impl Store {
    pub(super) fn find(&mut self) -> Result<Found, StoreError> {
        let mut set_aside = Vec::new();
        let next = match self.read(NEXT)? {
            Some(Err(why)) => {
                set_aside.append(&mut self.set_aside(&[NEXT], &why.to_string())?);
                None
            }
            next => next.and_then(Result::ok),
        };
        let is_next = next.is_some();
        let state = self.read(STATE)?;
        let texts = self.list(TEXTS)?;
        let (state, damaged, why) = match state {
            Some(Ok(record)) => (Some(record), &[][..], String::new()),
            Some(Err(why)) if is_next => (None, &[STATE][..], why.to_string()),
            // The texts go with it: without their record they are only texts, but somebody's.
            Some(Err(why)) => (None, &[STATE, TEXTS][..], why.to_string()),
            None if !is_next && texts.iter().any(|name| number_of(name).is_some()) => (
                None,
                &[TEXTS][..],
                format!("there is no {STATE} that says what is in it"),
            ),
            None => (None, &[][..], String::new()),
        };
        set_aside.append(&mut self.set_aside(damaged, &why)?);
        // From now on it is there, and the disk knows.
        self.list(TEXTS)?;
        self.sync_names("")?;
        let (record, before) = match next {
            Some(next) => (Some(next), state),
            None => (state, None),
        };
        Ok(Found {
            record,
            is_next,
            before,
            set_aside,
        })
    }

    /// What a file says that holds a record, if it is there.
    fn read(&self, name: &str) -> Result<Option<Result<Record, NoRecord>>, StoreError> {
        let content = self.files.read(name);
        let content = content.map_err(|source| self.error("read", name, source))?;
        Ok(content.as_deref().map(Record::read))
    }

    /// Gives files or directories names that nothing else has, all with the same number.
    pub(super) fn set_aside(
        &mut self,
        names: &[&str],
        why: &str,
    ) -> Result<Vec<SetAside>, StoreError> {
        let mut taken = self.list("")?;
        taken.extend(
            self.list(TEXTS)?
                .iter()
                .map(|name| format!("{TEXTS}/{name}")),
        );
        let aside = |name: &str, number: u64| format!("{name}.damaged-{number}");
        let is_free = |number: &u64| {
            !names
                .iter()
                .any(|name| taken.contains(&aside(name, *number)))
        };
        let number = (1..).find(is_free).expect("numbers do not run out");
        let mut set_aside = Vec::new();
        for name in names {
            let to = aside(name, number);
            let moved = self.files.rename(name, &to);
            moved.map_err(|source| self.error("set aside", name, source))?;
            set_aside.push(SetAside {
                from: self.path.join(name),
                to: self.path.join(to),
                why: why.to_owned(),
            });
        }
        Ok(set_aside)
    }
}
