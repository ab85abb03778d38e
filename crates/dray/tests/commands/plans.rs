//! Plans, and configurations that are put in force, confirmed and gone back from.

use serde_json::json;

use crate::{CONFIG, Director};

#[tokio::test]
async fn a_plan_of_what_is_in_force_is_empty() {
    let director = Director::start().await;
    let file = director.file("same.toml", CONFIG);
    assert_eq!(
        director.ok(&format!("plan {file}")).await,
        "Nothing changes.\n"
    );
    director.stop().await;
}

#[tokio::test]
async fn a_plan_shows_what_would_change_with_exit_code_2_and_changes_nothing() {
    let director = Director::start().await;
    let file = director.file("next.toml", &next());
    let said = director.dray(&format!("plan {file}")).await;
    assert_eq!((said.status.code(), said.err.as_str()), (Some(2), ""));
    for line in [
        "~ service web\n",
        "~     weight: 3 → 5\n",
        "+   real server 10.77.0.13\n",
        "- service tls (TCP 10.77.0.100:443)\n",
        "services: 1 changed, 1 removed; real servers: ",
    ] {
        assert!(said.out.contains(line), "{line}:\n{}", said.out);
    }
    let said = director.dray(&format!("plan {file} --json")).await;
    assert_eq!(said.status.code(), Some(2));
    let plan: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(plan["services"][0]["service"], "web");
    let same = director.file("same.toml", CONFIG);
    director.ok(&format!("plan {same}")).await;
    director.stop().await;
}

#[tokio::test]
async fn a_plan_is_applied_only_if_nothing_has_changed_since() {
    let director = Director::start().await;
    let file = director.file("next.toml", &next());
    let plan = director.dray(&format!("plan {file} --json")).await.out;
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    let revision = plan["revision"].as_u64().expect("a number");
    director
        .ok("real edit 10.77.0.12 --service tls --weight 9")
        .await;
    let said = director
        .fails(&format!("apply {file} --if-revision {revision}"))
        .await;
    assert!(said.starts_with("dray: changed meanwhile: "), "{said}");
    let history = director.json("history --json").await;
    assert_eq!(history["entries"].as_array().map(Vec::len), Some(1));

    let shown = director.dray(&format!("plan {file}")).await.out;
    let words = format!("`dray apply --if-revision {}`", revision + 1);
    assert!(shown.contains(&words), "{shown}");
    let outcome = director
        .json(&format!(
            "apply {file} --if-revision {} --json",
            revision + 1
        ))
        .await;
    assert_eq!(outcome["plan"]["revision"], revision + 1);
    assert_eq!(outcome["applied"]["number"], 2);
    director.stop().await;
}

#[tokio::test]
async fn a_file_with_errors_is_no_plan_and_is_not_applied() {
    let director = Director::start().await;
    let file = director.file("broken.toml", &CONFIG.replace("scheduler", "sheduler"));
    for line in [format!("plan {file}"), format!("apply {file}")] {
        let said = director.fails(&line).await;
        assert!(
            said.contains("broken.toml:") && said.contains("scheduler"),
            "{said}"
        );
    }
    let said = director.fails("plan /nonexistent/dray.toml").await;
    assert!(said.contains("/nonexistent/dray.toml"), "{said}");
    // A wrong flag must not look like a plan with changes.
    director.fails("plan --dance").await;
    director.stop().await;
}

#[tokio::test]
async fn a_configuration_is_applied_rolled_back_and_found_in_the_history() {
    let director = Director::start().await;
    let file = director.file("next.toml", &next());
    let said = director.ok(&format!("apply {file}")).await;
    assert!(said.contains("+   real server 10.77.0.13\n"), "{said}");
    assert!(
        said.contains("is in force: 1 service, 3 real servers\n"),
        "{said}"
    );
    assert_eq!(
        director.ok(&format!("plan {file}")).await,
        "Nothing changes.\n"
    );
    let history = director.json("history --json").await;
    let entries = history["entries"].as_array().expect("a list");
    assert_eq!(
        (entries.len(), &entries[0]["current"], &entries[0]["file"]),
        (2, &json!(true), &json!(file))
    );
    assert!(director.ok("history").await.contains(&file));
    assert_eq!(
        director
            .ok(&format!("history {}", entries[0]["number"]))
            .await,
        next()
    );
    let outcome = director.json("rollback --json").await;
    assert_eq!(outcome["applied"]["services"], 2);
    assert_eq!(
        director
            .ok(&format!("rollback {}", entries[0]["number"]))
            .await,
        said_again(&director, &said).await
    );
    director.stop().await;
}

/// The differences are those of the first time; the number of the configuration may be another.
async fn said_again(director: &Director, said: &str) -> String {
    let history = director.json("history --json").await;
    let entries = history["entries"].as_array().expect("a list");
    let current = entries
        .iter()
        .find(|entry| entry["current"] == true)
        .expect("one is");
    let (before, after) = said
        .split_once("Configuration ")
        .expect("its number is told");
    let (_, after) = after.split_once(' ').expect("more words");
    format!("{before}Configuration {} {after}", current["number"])
}

#[tokio::test]
async fn a_configuration_that_waits_is_confirmed() {
    let director = Director::start().await;
    let file = director.file("next.toml", &next());
    let said = director.dray(&format!("apply {file} --confirm 10m")).await;
    assert_eq!(said.status.code(), Some(0), "{}", said.err);
    assert!(said.err.contains("`dray confirm "), "{}", said.err);
    let words = director.ok("confirm").await;
    assert!(words.ends_with("is there to stay\n"), "{words}");
    let said = director.fails("confirm").await;
    assert!(said.starts_with("dray: conflict: "), "{said}");
    director.stop().await;
}

#[tokio::test]
async fn edits_stay_when_an_unconfirmed_configuration_is_gone_back_from() {
    let director = Director::start().await;
    let file = director.file("next.toml", &next());
    director.ok(&format!("apply {file} --confirm 10m")).await;
    director
        .ok("real edit 10.77.0.12 --service web --weight 9")
        .await;
    let outcome = director.json("rollback --json").await;
    assert_eq!(outcome["applied"]["number"], 1);
    let (plan, applied) = (&outcome["plan"], &outcome["applied"]);
    for dropped in [&plan["edits_dropped"], &applied["edits_dropped"]] {
        assert!(dropped.as_array().is_none_or(Vec::is_empty), "{dropped}");
    }
    assert_eq!(plan["edits_kept"][0]["real"], "10.77.0.12");
    assert!(director.ok("save").await.contains("weight = 9"));
    director.stop().await;
}

#[tokio::test]
async fn edits_are_kept_or_dropped_by_the_next_apply_as_it_says() {
    let director = Director::start().await;
    let same = director.file("same.toml", CONFIG);
    director
        .ok("real edit 10.77.0.12 --service web --weight 9")
        .await;
    let said = director.dray(&format!("plan {same} --edits drop")).await;
    assert_eq!(said.status.code(), Some(2));
    assert!(said.out.contains("~     weight: 9 → "), "{}", said.out);
    assert!(said.out.contains("Edit that is dropped: "), "{}", said.out);
    let kept = director.ok(&format!("plan {same} --edits keep")).await;
    assert!(kept.contains("Edit that stays: service web"), "{kept}");
    director.ok(&format!("apply {same} --edits drop")).await;
    assert!(!director.ok("save").await.contains("weight = 9"));
    director.stop().await;
}

/// Another weight, one more real server, and one service less.
fn next() -> String {
    let more = r#"weight = 5 }, { address = "10.77.0.13" "#;
    let web = CONFIG.replace("weight = 3 ", more);
    let tls = web.rfind("[[service]]").expect("a second service");
    web[..tls].to_owned()
}
