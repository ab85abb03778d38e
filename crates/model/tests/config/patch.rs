//! Merge patches.

use dray_model::patch::{difference, merge};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A value without `null` in an object, as every document is.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let item = prop_oneof![Just(Value::Null), inner.clone()];
        prop_oneof![
            prop::collection::vec(item, 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn merged(mut target: Value, patch: &Value) -> Value {
    merge(&mut target, patch);
    target
}

proptest! {
    #[test]
    fn the_difference_of_two_values_makes_the_one_of_the_other(before in value(), after in value()) {
        let patch = difference(&before, &after);
        prop_assert_eq!(merged(before, &patch), after);
    }

    #[test]
    fn a_patch_says_nothing_of_what_stays(before in value(), name in "[e-h]", new in value()) {
        prop_assume!(before.is_object());
        let mut after = before.clone();
        after[&name] = new.clone();
        prop_assert_eq!(difference(&before, &after), json!({ name: new }));
        prop_assert_eq!(difference(&before, &before), json!({}));
    }
}

#[test]
fn patches_are_merged_as_the_rfc_says() {
    // RFC 7396, appendix A.
    let cases = [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (
            json!({"a": "b"}),
            json!({"b": "c"}),
            json!({"a": "b", "b": "c"}),
        ),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (
            json!({"a": "b", "b": "c"}),
            json!({"a": null}),
            json!({"b": "c"}),
        ),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (
            json!({"a": {"b": "c"}}),
            json!({"a": {"b": "d", "c": null}}),
            json!({"a": {"b": "d"}}),
        ),
        (
            json!({"a": [{"b": "c"}]}),
            json!({"a": [1]}),
            json!({"a": [1]}),
        ),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a": "b"}), json!(["c"]), json!(["c"])),
        (json!({"a": "foo"}), json!(null), json!(null)),
        (json!({"a": "foo"}), json!("bar"), json!("bar")),
        (
            json!({"e": null}),
            json!({"a": 1}),
            json!({"e": null, "a": 1}),
        ),
        (
            json!([1, 2]),
            json!({"a": "b", "c": null}),
            json!({"a": "b"}),
        ),
        (
            json!({}),
            json!({"a": {"bb": {"ccc": null}}}),
            json!({"a": {"bb": {}}}),
        ),
    ];
    for (target, patch, result) in cases {
        assert_eq!(
            merged(target.clone(), &patch),
            result,
            "{target} and {patch}"
        );
    }
}
