//! What new connections found used up, told for as long as it goes on.

use dray_model::ReasonCount;
use tracing::warn;

use crate::event::{Happening, Shortage};

/// How long after the last connection that found nothing left a shortage is told, in looks.
const MEMORY: u32 = 60;

/// What can be used up: the reason that is counted then, and what to tell.
const KINDS: [(Shortage, &str, &str); 4] = [
    (
        Shortage::Connections,
        "table-full",
        "new connections were forwarded without an entry within the last minute, as the connection table was full: raise \
         `max_connections` in `[director]`",
    ),
    (
        Shortage::Templates,
        "templates-full",
        "new connections were scheduled without persistence within the last minute, as the table of templates was full: \
         raise `max_connections` in `[director]`, which it grows with",
    ),
    (
        Shortage::LocalPorts,
        "ports-exhausted",
        "new connections were dropped within the last minute, as FULLNAT had no free local address and port for them: \
         write more `addresses` or a wider range of `ports` in `[director.fullnat]`",
    ),
    (
        Shortage::Translations,
        "translations-full",
        "new connections were dropped within the last minute, as the table of translations of NAT and FULLNAT was \
         full: raise `max_translations` in `[director]`",
    ),
];

/// Watches for shortages.
#[derive(Debug, Default)]
pub(crate) struct Shortages([Watch; KINDS.len()]);

#[derive(Clone, Copy, Debug, Default)]
struct Watch {
    /// The count at the last look; none before the first.
    packets: Option<u64>,
    /// Looks for which it is still told.
    told: u32,
}

impl Shortages {
    /// A look at the counted reasons, once a second; what began and what ended since the last one. What was counted before
    /// the first look is no news.
    pub(crate) fn look(&mut self, reasons: &[ReasonCount]) -> Vec<Happening> {
        let mut news = Vec::new();
        for (shortage, (kind, name, sentence)) in self.0.iter_mut().zip(KINDS) {
            let Some(reason) = reasons.iter().find(|reason| reason.name == name) else {
                continue;
            };
            let grew = shortage
                .packets
                .is_some_and(|before| before < reason.packets);
            if grew && shortage.told == 0 {
                warn!(packets = reason.packets, "{sentence}");
                news.push(Happening::ShortageBegan(kind));
            }
            if !grew && shortage.told == 1 {
                news.push(Happening::ShortageEnded(kind));
            }
            shortage.told = if grew {
                MEMORY
            } else {
                shortage.told.saturating_sub(1)
            };
            shortage.packets = Some(reason.packets);
        }
        news
    }

    /// What is short, each a sentence.
    pub(crate) fn sentences(&self) -> impl Iterator<Item = String> {
        let kinds = self.0.iter().zip(KINDS);
        kinds
            .filter(|(shortage, _)| shortage.told > 0)
            .map(|(_, (_, _, sentence))| sentence.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use dray_model::Verdict;

    use super::*;

    fn counted(ports: u64, translations: u64) -> Vec<ReasonCount> {
        let names = ["not-a-service", "ports-exhausted", "translations-full"];
        let reasons = names.into_iter().zip([7, ports, translations]);
        reasons
            .map(|(name, packets)| ReasonCount {
                name,
                verdict: Verdict::Drop,
                meaning: "",
                packets,
            })
            .collect()
    }

    #[test]
    fn a_shortage_is_told_until_a_minute_after_the_last_drop() {
        let mut shortages = Shortages::default();
        for (ports, told) in [(5, 0), (5, 0), (6, 1), (9, 1), (9, 1)] {
            let news = shortages.look(&counted(ports, 0));
            let begins = (ports == 6).then_some(Happening::ShortageBegan(Shortage::LocalPorts));
            assert_eq!(news, begins.into_iter().collect::<Vec<_>>(), "{ports}");
            assert_eq!(shortages.sentences().count(), told, "{ports}");
        }
        for _ in 2..MEMORY {
            assert_eq!(shortages.look(&counted(9, 0)), []);
        }
        let told: Vec<String> = shortages.sentences().collect();
        assert!(told[0].contains("[director.fullnat]"), "{told:?}");
        let ended = Happening::ShortageEnded(Shortage::LocalPorts);
        assert_eq!(shortages.look(&counted(9, 0)), [ended]);
        assert_eq!(shortages.sentences().count(), 0);
        assert_eq!(shortages.look(&counted(9, 0)), []);
    }

    #[test]
    fn each_kind_is_told_by_itself() {
        let mut shortages = Shortages::default();
        shortages.look(&counted(0, 0));
        shortages.look(&counted(0, 1));
        let told: Vec<String> = shortages.sentences().collect();
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("max_translations"), "{told:?}");
        shortages.look(&counted(1, 1));
        assert_eq!(shortages.sentences().count(), 2);
        shortages.look(&[]);
        assert_eq!(shortages.sentences().count(), 2, "what is not counted");
    }
}
