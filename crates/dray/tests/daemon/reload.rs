//! `dray reload`: a good file is put in force, anything else changes nothing.

use std::{fs, path::Path};

use dray_api::CallError;

use crate::{
    CONFIG,
    site::{Site, text},
    stop,
};

#[tokio::test]
async fn a_reload_puts_the_file_in_force_and_says_what_changed() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    let more = CONFIG.replace("weight = 0", "weight = 7")
        + "[[service]]\nname = \"dns\"\naddress = \"udp://10.77.0.100:53\"\nscheduler = \"mh\"\nforward = \"dr\"\n\
           real = [{ address = \"10.77.0.11\" }]\n";
    site.write(&more);
    let said = site.dray(["reload"]).await;
    assert_eq!((said.err.as_str(), said.status.code()), ("", Some(0)));
    let wanted = "2 services (1 added, 1 changed, 0 removed), 3 real servers: in force\n";
    assert_eq!(said.out, format!("{}: {wanted}", site.config().display()));
    let status = daemon.client.status().await.expect("a status");
    assert_eq!(status.services[0].destinations[1].weight, 7);
    assert_eq!(status.services[1].name, "dns");
    stop(&site, daemon).await;
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_is_explained_as_check_does() {
    let site = Site::new(CONFIG);
    site.resolve([11, 12]);
    let daemon = site.start().await;
    let before = (
        site.dataplane.actual(),
        daemon.client.status().await.expect("a status").services,
    );
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/broken");
    let mut seen = 0;
    for file in fs::read_dir(broken).expect("the broken files of the data model") {
        let file = file.expect("readable").path();
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        seen += 1;
        fs::copy(&file, site.config()).expect("copies");
        match daemon.client.reload().await {
            Err(CallError::Refused(problem)) => {
                assert_eq!(problem.status, 422, "{}", file.display());
                assert!(!problem.errors.is_empty(), "{}", file.display());
                for error in problem.errors {
                    assert!(
                        error.line > 0 && error.column > 0,
                        "{}: {error:?}",
                        file.display()
                    );
                    assert!(
                        !error.cause.is_empty() && !error.cure.is_empty(),
                        "{}: {error:?}",
                        file.display()
                    );
                }
            }
            other => panic!("{}: expected a refusal, got {other:?}", file.display()),
        }
        let now = (
            site.dataplane.actual(),
            daemon.client.status().await.expect("a status").services,
        );
        assert_eq!(now, before, "{}", file.display());
    }
    assert!(seen >= 25, "only {seen} broken files");

    let check = tokio::process::Command::new(env!("CARGO_BIN_EXE_dray"))
        .args(["check", text(&site.config())])
        .output()
        .await
        .expect("it runs");
    let reload = site.dray(["reload"]).await;
    assert_eq!((reload.status.code(), reload.out.as_str()), (Some(1), ""));
    let rendered = String::from_utf8(check.stderr).expect("text");
    assert!(
        reload.err.starts_with(&rendered),
        "{}\ninstead of\n{rendered}",
        reload.err
    );
    assert!(reload.err.contains("nothing was changed"), "{}", reload.err);
    stop(&site, daemon).await;
}

#[tokio::test]
async fn a_missing_file_changes_nothing() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    fs::remove_file(site.config()).expect("removes");
    let said = site.dray(["reload"]).await;
    assert_eq!(said.status.code(), Some(1));
    assert!(said.err.contains(text(&site.config())), "{}", said.err);
    assert_eq!(
        daemon
            .client
            .status()
            .await
            .expect("a status")
            .services
            .len(),
        1
    );
    stop(&site, daemon).await;
}

#[tokio::test]
async fn what_needs_a_new_start_is_refused_and_named() {
    let site = Site::new(CONFIG);
    let daemon = site.start().await;
    site.write(&CONFIG.replace(r#"["eth0"]"#, r#"["eth0", "eth1"]"#));
    let said = site.dray(["reload"]).await;
    assert_eq!(said.status.code(), Some(1));
    assert!(
        said.err.contains("interfaces") && said.err.contains("dray stop"),
        "{}",
        said.err
    );
    stop(&site, daemon).await;
}
