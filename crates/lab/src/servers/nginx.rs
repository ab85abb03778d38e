//! nginx (Debian package `nginx-light`), one process with a directory of its own.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    sync::Arc,
};

use anyhow::{Context as _, Result};

use super::{
    DOWNLOAD, DOWNLOAD_BYTES, PAGE, PAGE_BYTES, SERVER_HEADER, UPLOADS, wait_until_listening,
};
use crate::{namespace::Namespace, premises::Premises, process::Process};

/// Starts it on a port of all addresses of a namespace, those of VIPs that come later included.
pub(crate) fn serve_http(
    premises: &Premises,
    namespace: &Arc<Namespace>,
    name: &str,
    port: u16,
) -> Result<Process> {
    let unique = format!("{name}-http-{port}");
    let directory = premises.directory().join(&unique);
    fs::create_dir(&directory)
        .with_context(|| format!("failed to create {}", directory.display()))?;
    fs::write(
        directory.join(PAGE.trim_start_matches('/')),
        "x".repeat(PAGE_BYTES),
    )?;
    // A hole: it takes no room on the disk.
    File::create(directory.join(DOWNLOAD.trim_start_matches('/')))?
        .set_len(DOWNLOAD_BYTES as u64)?;
    fs::create_dir(directory.join(UPLOADS.trim_matches('/')))?;
    let configuration = directory.join("nginx.conf");
    fs::write(&configuration, configuration_text(&directory, name, port))?;
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(&directory)
        .arg("-e")
        .arg("stderr")
        .arg("-c")
        .arg(&configuration);
    let mut process = Process::start(premises, namespace, &unique, command).context(
        "failed to start nginx (Debian package nginx-light; `cargo xtask setup` installs it)",
    )?;
    wait_until_listening(&mut process, namespace, port)?;
    Ok(process)
}

fn configuration_text(directory: &Path, name: &str, port: u16) -> String {
    let directory = directory.display();
    format!(
        "\
daemon off;
# One process: a worker would outlive a master that is killed.
master_process off;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 16384; }}
worker_rlimit_nofile 32768;
http {{
    access_log off;
    default_type text/plain;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_timeout 3600s;
    keepalive_requests 1000000000;
    server {{
        listen {port} backlog=16384;
        listen [::]:{port} backlog=16384;
        root {directory};
        add_header {SERVER_HEADER} {name};
        location {UPLOADS} {{ dav_methods PUT; client_max_body_size 1g; }}
        location = / {{ return 200 \"{name}\\n\"; }}
    }}
}}
"
    )
}
