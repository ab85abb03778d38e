//! Flags for the keys of the configuration: `--upper-threshold` is `upper_threshold`.
//!
//! Nothing about a key is written here. Which there are, and in which order, are the model's tables; what they hold and mean is in the
//! API's schema of its documents. Values are what the file would hold, and the daemon judges them.

mod key;

use std::marker::PhantomData;

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, builder::PossibleValuesParser,
    error::ErrorKind,
};
use dray_model::{
    config::{self, FieldError},
    document,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use self::key::Setting;

pub(super) use key::{default_of, flag};

/// A part of the configuration whose keys are flags.
pub(super) trait Part: DeserializeOwned + PartialSchema {
    /// Its table in the file.
    const HEADER: &'static str;
    /// The key that says which one it is.
    const NAMED_BY: &'static str;
    /// Where it is in the smallest configuration that has it.
    const PLACE: &'static str;

    /// That configuration.
    fn configuration(part: Value) -> Value;
}

impl Part for document::Service {
    const HEADER: &'static str = "[[service]]";
    const NAMED_BY: &'static str = "name";
    const PLACE: &'static str = "/service/0";

    fn configuration(part: Value) -> Value {
        json!({"director": {"interfaces": ["eth0"]}, "service": [part]})
    }
}

impl Part for document::Real {
    const HEADER: &'static str = "[[service.real]]";
    const NAMED_BY: &'static str = "address";
    const PLACE: &'static str = "/service/0/real/0";

    fn configuration(part: Value) -> Value {
        let service = json!({"name": "service", "mark": 1, "real": [part]});
        document::Service::configuration(service)
    }
}

/// The settings of something new: all keys but the one that names it.
#[derive(Debug)]
pub(super) struct Settings<P> {
    values: Map<String, Value>,
    part: PhantomData<P>,
}

/// Other settings for something that is there: all keys, and `--unset`.
#[derive(Debug)]
pub(super) struct Changes<P> {
    patch: Map<String, Value>,
    part: PhantomData<P>,
}

impl<P: Part> Settings<P> {
    /// The document of the one of that name.
    ///
    /// # Errors
    /// When a value is of a kind that no document can hold. What else may be wrong with it, the daemon says.
    pub(super) fn document(self, name: &str) -> Result<P, Vec<FieldError>> {
        let mut values = self.values;
        values.insert(P::NAMED_BY.to_owned(), name.into());
        let value = Value::Object(values);
        serde_json::from_value(value.clone()).map_err(|error| misfits::<P>(value, &error))
    }
}

impl<P> Changes<P> {
    /// As a merge patch (RFC 7396); none when nothing is to change.
    pub(super) fn patch(self) -> Option<Value> {
        (!self.patch.is_empty()).then_some(Value::Object(self.patch))
    }
}

/// What is wrong with a value that fits no document, in the words that a file's value gets.
fn misfits<P: Part>(value: Value, error: &serde_json::Error) -> Vec<FieldError> {
    let found = config::parse_json(&P::configuration(value)).err();
    let mut errors: Vec<_> = found
        .unwrap_or_default()
        .into_iter()
        .filter_map(|error| {
            let path = error.path.strip_prefix(P::PLACE)?.to_owned();
            Some(FieldError { path, ..error })
        })
        .collect();
    if errors.is_empty() {
        errors.push(FieldError {
            path: String::new(),
            cause: error.to_string(),
            cure: "write it as the configuration file would have it".to_owned(),
        });
    }
    errors
}

impl<P: Part> Args for Settings<P> {
    fn augment_args(command: Command) -> Command {
        let settings = key::all::<P>().into_iter();
        let others = settings.filter(|setting| setting.key() != P::NAMED_BY);
        command
            .next_help_heading("Settings")
            .args(others.map(|setting| setting.arg()))
            .next_help_heading(None::<&str>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<P: Part> Args for Changes<P> {
    fn augment_args(command: Command) -> Command {
        let settings = key::all::<P>();
        let keys: Vec<_> = settings
            .iter()
            .filter(|setting| setting.may_be_left_out())
            .map(Setting::flag)
            .collect();
        let unset = Arg::new(UNSET)
            .long(UNSET)
            .value_name("SETTING")
            .action(ArgAction::Append)
            .value_delimiter(',')
            .value_parser(PossibleValuesParser::new(keys))
            .hide_possible_values(true)
            .help("Give this setting its default again; may be given several times");
        command
            .next_help_heading("Settings")
            .args(settings.iter().map(Setting::arg))
            .arg(unset)
            .next_help_heading(None::<&str>)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

const UNSET: &str = "unset";

impl<P: Part> FromArgMatches for Settings<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            values: given::<P>(matches),
            part: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.values.append(&mut given::<P>(matches));
        Ok(())
    }
}

impl<P: Part> FromArgMatches for Changes<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut patch = given::<P>(matches);
        for unset in matches.get_many::<String>(UNSET).into_iter().flatten() {
            let key = unset.replace('-', "_");
            if patch.get(&key).is_some_and(|value| !value.is_null()) {
                let why = format!("--unset {unset} cannot be used with --{unset}\n");
                return Err(clap::Error::raw(ErrorKind::ArgumentConflict, why));
            }
            patch.insert(key, Value::Null);
        }
        Ok(Self {
            patch,
            part: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.patch
            .append(&mut Self::from_arg_matches(matches)?.patch);
        Ok(())
    }
}

/// The values of the flags that were given, by their keys.
fn given<P: Part>(matches: &ArgMatches) -> Map<String, Value> {
    let settings = key::all::<P>();
    let values = settings.iter().filter_map(|setting| {
        // Not every flag is one of every command.
        let words = matches.try_get_many::<String>(&setting.id()).ok()??;
        let words: Vec<_> = words.map(String::as_str).collect();
        Some((setting.key().to_owned(), setting.value(&words)))
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Add {
        #[command(flatten)]
        settings: Settings<document::Service>,
    }

    #[derive(Debug, Parser)]
    struct EditReal {
        #[command(flatten)]
        changes: Changes<document::Real>,
    }

    fn patch(words: &str) -> Value {
        let words = ["edit"].into_iter().chain(words.split_whitespace());
        let edit = EditReal::try_parse_from(words).expect("good flags");
        Value::Object(edit.changes.patch)
    }

    #[test]
    fn flags_are_the_keys_of_a_document() {
        let words = "add --address tcp://10.77.0.100:80 --scheduler sh --flags sh-port,sh-fallback --netmask 255.255.255.0 \
                     --one-packet true --tunnel_port 6_080 --persistent 6m --family ipv4 --mss 1400";
        let add = Add::try_parse_from(words.split_whitespace()).expect("good flags");
        let service = add.settings.document("web").expect("a service");
        assert_eq!(
            serde_json::to_value(service).expect("JSON"),
            json!({
                "name": "web", "address": "tcp://10.77.0.100:80", "scheduler": "sh", "flags": ["sh-port", "sh-fallback"],
                "netmask": "255.255.255.0", "one_packet": true, "tunnel_port": 6080, "persistent": "6m", "family": "ipv4",
                "mss": 1400,
            })
        );
    }

    #[test]
    fn a_patch_has_what_is_given_and_null_for_what_is_unset() {
        assert_eq!(
            patch("--weight 0 --unset upper-threshold --unset tunnel"),
            json!({"weight": 0, "upper_threshold": null, "tunnel": null})
        );
        assert_eq!(
            patch("--address 10.0.0.1:8080"),
            json!({"address": "10.0.0.1:8080"})
        );
        assert_eq!(
            patch("--tunnel-checksum true"),
            json!({"tunnel_checksum": true})
        );
        assert_eq!(
            patch("--tunnel-checksum remote"),
            json!({"tunnel_checksum": "remote"})
        );
        assert_eq!(patch(""), json!({}));
    }

    #[test]
    fn a_word_that_is_no_number_is_left_to_the_daemon() {
        assert_eq!(patch("--weight heavy"), json!({"weight": "heavy"}));
        assert_eq!(patch("--weight=-1"), json!({"weight": -1}));
    }

    #[test]
    fn what_no_document_can_hold_is_told_in_the_words_of_the_file() {
        #[derive(Debug, Parser)]
        struct AddReal {
            #[command(flatten)]
            settings: Settings<document::Real>,
        }
        for (value, words) in [("70000", "65_535"), ("heavy", "whole number")] {
            let add = AddReal::try_parse_from(["add", "--weight", value]).expect("good flags");
            let errors = add.settings.document("10.0.0.1").expect_err("no weight");
            let [error] = &errors[..] else {
                panic!("{errors:?}");
            };
            assert_eq!(error.path, "/weight");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_setting_cannot_be_given_and_unset() {
        let refused = EditReal::try_parse_from(["edit", "--weight", "3", "--unset", "weight"]);
        let error = refused.expect_err("both").to_string();
        assert!(
            error.contains("--unset weight cannot be used with --weight"),
            "{error}"
        );
        let refused = EditReal::try_parse_from(["edit", "--unset", "address"]);
        refused.expect_err("a real server has an address");
    }

    #[test]
    fn the_commands_are_well_formed() {
        use clap::CommandFactory;
        Add::command().debug_assert();
        EditReal::command().debug_assert();
    }
}
