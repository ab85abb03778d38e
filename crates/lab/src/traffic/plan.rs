//! Which connection carries how many requests. Pure.

/// How much a load asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// So many requests, spread evenly over so many connections.
    Exactly {
        /// Requests in all.
        requests: u64,
        /// Connections in all.
        connections: u64,
    },
    /// One connection after the other, until stopped.
    UntilStopped {
        /// Requests on each connection.
        requests_per_connection: u64,
    },
}

impl Amount {
    /// How many requests a connection carries, counted from 0; `None` if there is no such connection.
    pub(super) fn on_connection(self, index: u64) -> Option<u64> {
        match self {
            Self::Exactly {
                requests,
                connections,
            } => (index < connections)
                .then(|| requests / connections + u64::from(index < requests % connections)),
            Self::UntilStopped {
                requests_per_connection,
            } => Some(requests_per_connection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_requests_are_spread_and_none_is_lost() {
        for (requests, connections) in [(10_000, 2_000), (10, 3), (3, 10), (0, 1), (1, 1)] {
            let amount = Amount::Exactly {
                requests,
                connections,
            };
            let each: Vec<u64> = (0..)
                .map_while(|index| amount.on_connection(index))
                .collect();
            assert_eq!(each.len() as u64, connections);
            assert_eq!(each.iter().sum::<u64>(), requests);
            assert!(each[0] - each[each.len() - 1] <= 1, "{each:?}");
        }
    }
}
