//! What differs between two lists of named things: services, or a service's real servers.
//!
//! ```text
//! base    a b c d        removed: b, c    changed: d by a patch    inserted: x before d    added: y, c
//! wanted  a x d' y c'
//! ```
//!
//! What is there in both, in the order of the base, is in its place. So a thing that was removed and came back is both removed
//! and added: it stands at another place now.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
};

use serde::{Deserialize, Serialize};

/// What makes a wanted list out of a base: `removed` first, then the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListEdits<T, C> {
    /// Names of what is not in its place any more.
    #[serde(default = "BTreeSet::new", skip_serializing_if = "BTreeSet::is_empty")]
    pub removed: BTreeSet<String>,
    /// What is in its place and says something else, by name.
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<String, C>,
    /// What comes in front of what is in its place, by the name of that.
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    pub inserted: BTreeMap<String, Vec<T>>,
    /// What comes at the end, in order.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<T>,
}

impl<T, C> Default for ListEdits<T, C> {
    fn default() -> Self {
        Self {
            removed: BTreeSet::new(),
            changed: BTreeMap::new(),
            inserted: BTreeMap::new(),
            added: Vec::new(),
        }
    }
}

impl<T, C> ListEdits<T, C> {
    /// Whether they change nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many things they are about.
    pub(crate) fn len(&self) -> usize {
        self.removed.len() + self.changed.len() + self.new_items().count()
    }

    /// What is not in the base, or not in its place: inserted and added.
    pub fn new_items(&self) -> impl Iterator<Item = &T> {
        self.inserted.values().flatten().chain(&self.added)
    }

    /// What differs. `change` says what differs in a thing that is in both.
    pub(crate) fn between<I>(
        base: &[I],
        wanted: &[I],
        name: impl Fn(&I) -> &str,
        change: impl Fn(&I, &I) -> Option<C>,
        add: impl Fn(&I) -> T,
    ) -> Self {
        let mut edits = Self::default();
        let mut places = Places::new(base, &name);
        let mut rest = base;
        for wanted in wanted {
            let Some(skipped) = places.ahead(rest, name(wanted)) else {
                edits.added.push(add(wanted));
                continue;
            };
            let (gone, found) = rest.split_at(skipped);
            edits
                .removed
                .extend(gone.iter().map(|item| name(item).to_owned()));
            rest = &found[1..];
            // What was to come at the end comes in front of this.
            let inserted = mem::take(&mut edits.added);
            if !inserted.is_empty() {
                edits.inserted.insert(name(wanted).to_owned(), inserted);
            }
            if let Some(change) = change(&found[0], wanted) {
                edits.changed.insert(name(wanted).to_owned(), change);
            }
        }
        edits
            .removed
            .extend(rest.iter().map(|item| name(item).to_owned()));
        edits
    }

    /// Makes the wanted list, as far as the edits fit this base. What is new and in the base all the same takes its place.
    /// `change` applies a change, and `dropped` is told of those whose thing is gone.
    pub(crate) fn redo(
        &self,
        mut base: Vec<T>,
        name: impl Fn(&T) -> &str,
        mut change: impl FnMut(&mut T, &C),
        mut dropped: impl FnMut(&str),
    ) -> Vec<T>
    where
        T: Clone,
    {
        base.retain(|item| !self.removed.contains(name(item)));
        let places = base.iter().enumerate();
        let places: HashMap<String, usize> = places
            .map(|(place, item)| (name(item).to_owned(), place))
            .collect();
        for (changed, how) in &self.changed {
            match places.get(changed) {
                Some(place) => change(&mut base[*place], how),
                None => dropped(changed),
            }
        }
        let mut in_front = BTreeMap::<usize, Vec<T>>::new();
        let end = base.len();
        let inserted = self.inserted.iter().flat_map(|(next, items)| {
            let place = places.get(next).copied().unwrap_or(end);
            items.iter().map(move |item| (place, item))
        });
        for (place, new) in inserted.chain(self.added.iter().map(|item| (end, item))) {
            match places.get(name(new)) {
                Some(same) => base[*same] = new.clone(),
                None => in_front.entry(place).or_default().push(new.clone()),
            }
        }
        let mut list = Vec::with_capacity(base.len());
        for (place, item) in base.into_iter().enumerate() {
            list.extend(in_front.remove(&place).into_iter().flatten());
            list.push(item);
        }
        list.extend(in_front.into_values().flatten());
        list
    }
}

/// Where the names of a list are. Lists mostly have the same names in the same order, so they are looked up only after the
/// first one that is not where it is expected.
struct Places<'b, I, N> {
    base: &'b [I],
    name: N,
    known: Option<HashMap<&'b str, usize>>,
}

impl<'b, I, N: Fn(&I) -> &str> Places<'b, I, N> {
    fn new(base: &'b [I], name: N) -> Self {
        Self {
            base,
            name,
            known: None,
        }
    }

    /// How far ahead a name is in the end of the base that is left.
    fn ahead(&mut self, rest: &[I], wanted: &str) -> Option<usize> {
        let Self { base, name, known } = self;
        if (name)(rest.first()?) == wanted {
            return Some(0);
        }
        let base = *base;
        let known = known.get_or_insert_with(|| {
            let places = base.iter().enumerate();
            places.map(|(place, item)| ((name)(item), place)).collect()
        });
        known.get(wanted)?.checked_sub(base.len() - rest.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Item = (String, u8);
    type Edits = ListEdits<Item, u8>;

    #[test]
    fn a_thing_that_comes_back_elsewhere_is_removed_and_added() {
        let edits = between(&list("abcd"), &list("adxc"));
        assert_eq!(
            edits.removed,
            BTreeSet::from(["b".to_owned(), "c".to_owned()])
        );
        assert_eq!(edits.added, list("xc"));
        assert!(edits.changed.is_empty());
    }

    #[test]
    fn a_thing_in_the_place_of_another_leaves_those_behind_it_alone() {
        let edits = between(&list("abc"), &list("axc"));
        assert_eq!(edits.removed, BTreeSet::from(["b".to_owned()]));
        assert_eq!(
            edits.inserted,
            BTreeMap::from([("c".to_owned(), list("x"))])
        );
        assert!(edits.changed.is_empty() && edits.added.is_empty());
        assert_eq!(redo(&edits, list("ca")).0, list("xca"));
        assert_eq!(redo(&edits, list("ab")).0, list("ax"));
    }

    #[test]
    fn edits_of_what_is_gone_are_dropped_and_told() {
        let mut wanted = list("ab");
        wanted[0].1 = 9;
        wanted[1].1 = 8;
        let edits = between(&list("ab"), &wanted);
        let (redone, dropped) = redo(&edits, list("bc"));
        assert_eq!(redone, [("b".to_owned(), 8), ("c".to_owned(), 0)]);
        assert_eq!(dropped, ["a"]);
    }

    #[test]
    fn what_was_added_takes_the_place_of_what_the_new_base_has() {
        let edits = between(&list("a"), &[("a".to_owned(), 0), ("x".to_owned(), 7)]);
        let (redone, dropped) = redo(&edits, list("xa"));
        assert_eq!(redone, [("x".to_owned(), 7), ("a".to_owned(), 0)]);
        assert_eq!(dropped, [""; 0]);
    }

    proptest! {
        #[test]
        fn edits_lead_from_any_list_to_any_other(base in any_list(), wanted in any_list()) {
            let edits = between(&base, &wanted);
            prop_assert_eq!(edits.is_empty(), base == wanted);
            let (redone, dropped) = redo(&edits, base);
            prop_assert_eq!(redone, wanted);
            prop_assert!(dropped.is_empty());
        }
    }

    fn between(base: &[Item], wanted: &[Item]) -> Edits {
        let change = |base: &Item, wanted: &Item| (base != wanted).then_some(wanted.1);
        ListEdits::between(base, wanted, |item| &item.0, change, Item::clone)
    }

    fn redo(edits: &Edits, base: Vec<Item>) -> (Vec<Item>, Vec<String>) {
        let mut dropped = Vec::new();
        let change = |item: &mut Item, to: &u8| item.1 = *to;
        let list = edits.redo(
            base,
            |item| &item.0,
            change,
            |name| dropped.push(name.to_owned()),
        );
        (list, dropped)
    }

    fn list(names: &str) -> Vec<Item> {
        names.chars().map(|name| (name.to_string(), 0)).collect()
    }

    /// Up to eight things of eight names, in any order.
    fn any_list() -> impl Strategy<Value = Vec<Item>> {
        let names: Vec<String> = ('a'..='h').map(String::from).collect();
        let shuffled = Just(names).prop_shuffle();
        (shuffled, prop::collection::vec(0..3_u8, 0..8))
            .prop_map(|(names, values)| names.into_iter().zip(values).collect())
    }
}
