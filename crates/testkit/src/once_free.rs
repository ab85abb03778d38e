//! Taking a lock that its last owner may seem to hold a moment longer.

use crate::eventually;

/// Takes what only one may have, as soon as nobody has it. It may be taken for a moment after its owner in this process has let
/// go of it: a command that another test starts just then has all that this process holds, until it is another program.
///
/// # Errors
/// What `take` says that is not that it is taken.
///
/// # Panics
/// When it is still taken after [`patience`](crate::patience).
pub fn once_free<T, E>(
    take: impl Fn() -> Result<T, E>,
    is_taken: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let mut last = take();
    eventually!({
        let is_taken = last.as_ref().is_err_and(&is_taken);
        if is_taken {
            last = take();
        }
        !is_taken
    });
    last
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Whether a lock is taken when it is tried for the first, second, … time; then it is broken.
    fn locked(taken: &[bool]) -> Result<(), &'static str> {
        let tries = Cell::new(0);
        let take = || {
            tries.set(tries.get() + 1);
            match taken.get(tries.get() - 1) {
                Some(true) => Err("taken"),
                Some(false) => Ok(()),
                None => Err("broken"),
            }
        };
        once_free(take, |why| *why == "taken")
    }

    #[test]
    fn what_is_taken_is_tried_again_and_nothing_else_is() {
        assert_eq!(locked(&[false, true]), Ok(()));
        assert_eq!(locked(&[true, true, false]), Ok(()));
        assert_eq!(locked(&[true]), Err("broken"));
    }
}
