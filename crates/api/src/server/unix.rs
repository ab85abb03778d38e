//! The daemon's Unix socket.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::Router;
use dray_model::ApiReaders;
use tokio::{net::UnixListener, net::UnixStream, sync::watch, task::JoinHandle};
use tracing::debug;

use super::{
    ServeError,
    connection::{self, Places},
    peer::{Owners, Process},
};
use crate::{request::Closing, v1::Problem};

/// Calls at a time.
const PLACES: u32 = 1024;

/// The daemon's open socket. Its file goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: UnixListener,
    file: File,
}

impl Listener {
    pub(crate) fn new(listener: UnixListener, path: PathBuf) -> Self {
        Self {
            listener,
            file: File(path),
        }
    }
}

/// The Unix socket while it is served.
#[derive(Debug)]
pub(super) struct UnixDoor {
    socket: Arc<Path>,
    readers: watch::Sender<ApiReaders>,
    shut: watch::Sender<bool>,
    places: Places,
    task: JoinHandle<()>,
    _file: File,
}

impl UnixDoor {
    pub(super) fn open(
        listener: Listener,
        router: Router,
        readers: ApiReaders,
    ) -> Result<Self, ServeError> {
        let Listener { listener, file } = listener;
        let socket: Arc<Path> = file.0.clone().into();
        let places = Places::new(PLACES);
        let (sender, receiver) = watch::channel(readers);
        let (shut, closing) = watch::channel(false);
        let task = tokio::spawn(accept(
            listener,
            places.clone(),
            Arc::clone(&socket),
            receiver,
            router,
            Closing::new(closing),
        ));
        let door = Self {
            socket,
            readers: sender,
            shut,
            places,
            task,
            _file: file,
        };
        door.set_readers(readers)?;
        Ok(door)
    }

    /// Lets others read, or not: the socket's mode is a first door, each request's caller the second.
    pub(super) fn set_readers(&self, readers: ApiReaders) -> Result<(), ServeError> {
        let mode = match readers {
            ApiReaders::Group => 0o660,
            ApiReaders::All => 0o666,
        };
        self.readers.send_replace(readers);
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(&self.socket, permissions).map_err(|source| ServeError::Mode {
            socket: self.socket.to_path_buf(),
            source,
        })
    }

    /// Takes no more calls, and waits for the end of those under way.
    pub(super) async fn shut(&self) {
        self.shut.send_replace(true);
        self.places.emptied().await;
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        self.task.abort();
        self.shut.send_replace(true);
    }
}

async fn accept(
    listener: UnixListener,
    places: Places,
    socket: Arc<Path>,
    readers: watch::Receiver<ApiReaders>,
    router: Router,
    closing: Closing,
) {
    let user = rustix::process::geteuid().as_raw();
    let serve = |(stream, _): (UnixStream, _), place| {
        let process = Process::of(&stream);
        let owners = Owners {
            user,
            // Asked each time: an operator may give the socket to another group.
            group: fs::metadata(&socket).map(|file| file.gid()).ok(),
            readers: *readers.borrow(),
        };
        let readers = readers.clone();
        let admit = move |_: &hyper::HeaderMap| match &process {
            Ok(process) => process.admit(&Owners {
                readers: *readers.borrow(),
                ..owners
            }),
            Err(error) => Err(unknown(error)),
        };
        let (router, closing) = (router.clone(), closing.clone());
        tokio::spawn(async move {
            connection::serve(stream, router, closing, admit).await;
            drop(place);
        });
    };
    places
        .fill(closing.clone(), || listener.accept(), serve)
        .await;
}

fn unknown(error: &io::Error) -> Problem {
    debug!(%error, "the kernel does not say who calls");
    Problem::forbidden(format!("the kernel does not say who you are: {error}"))
}

#[derive(Debug)]
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        // The daemon still holds the lock here, so the file can be nobody else's. One that is gone
        // already is as good.
        let _ = fs::remove_file(&self.0);
    }
}
