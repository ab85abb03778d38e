//! Waiting for something to become true.

use std::{env, time::Duration};

/// How long [`eventually!`](crate::eventually!) waits: the seconds in the environment variable
/// `DRAY_TEST_PATIENCE`, or 30.
///
/// # Panics
/// When the variable is not a number of seconds.
pub fn patience() -> Duration {
    const VARIABLE: &str = "DRAY_TEST_PATIENCE";
    let Ok(text) = env::var(VARIABLE) else {
        return Duration::from_secs(30);
    };
    let seconds = text.parse();
    Duration::from_secs(
        seconds.unwrap_or_else(|_| panic!("{VARIABLE}={text} is not a number of seconds")),
    )
}

/// Time between two looks.
pub const PAUSE: Duration = Duration::from_millis(10);

/// Waits until a condition holds, and panics when it does not within [`patience`](crate::patience).
///
/// In async code write `eventually!(async condition)`; the condition may then `.await`, and the waiting
/// goes by tokio's clock, so that it costs nothing while that is paused. A message may follow the
/// condition, as with `assert!`; it is made only when the waiting failed.
///
/// ```
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// let looks = AtomicU32::new(0);
/// dray_testkit::eventually!(looks.fetch_add(1, Ordering::Relaxed) == 3, "after {looks:?} looks");
/// ```
#[macro_export]
macro_rules! eventually {
    (async $condition:expr) => {
        $crate::eventually!(async $condition, "{}", stringify!($condition))
    };
    (async $condition:expr, $($message:tt)+) => {{
        let start = $crate::tokio::time::Instant::now();
        while !$condition {
            assert!(start.elapsed() < $crate::patience(), "waited in vain: {}", format_args!($($message)+));
            $crate::tokio::time::sleep($crate::PAUSE).await;
        }
    }};
    ($condition:expr) => {
        $crate::eventually!($condition, "{}", stringify!($condition))
    };
    ($condition:expr, $($message:tt)+) => {{
        let start = ::std::time::Instant::now();
        while !$condition {
            assert!(start.elapsed() < $crate::patience(), "waited in vain: {}", format_args!($($message)+));
            ::std::thread::sleep($crate::PAUSE);
        }
    }};
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    #[test]
    fn looks_again_until_the_condition_holds() {
        let looks = Cell::new(0);
        eventually!({
            looks.set(looks.get() + 1);
            looks.get() == 3
        });
        assert_eq!(looks.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn async_waiting_goes_by_tokios_clock() {
        let start = tokio::time::Instant::now();
        eventually!(async start.elapsed() > std::time::Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "waited in vain: the moon is cheese")]
    async fn gives_up_at_last() {
        eventually!(async false, "the {} is cheese", "moon");
    }
}
