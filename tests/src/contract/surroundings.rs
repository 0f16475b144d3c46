//! Files, lines, settings and random numbers.

use core::future::pending;

use runtime::{Either, File, StorageError, either};

use super::{Case, FILES, PATTERN, TYPED, World};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "a file is read to its end, in pieces of any length",
            body: |world| Box::pin(files(world)),
        },
        Case {
            name: "what is no file of the storage is told apart from what is none at all",
            body: |world| Box::pin(no_files(world)),
        },
        Case {
            name: "a file is there in the forms that it says, and in no other",
            body: |world| Box::pin(forms(world)),
        },
        Case {
            name: "a file that is closed is closed, whoever has its slot",
            body: |world| Box::pin(stale_files(world)),
        },
        Case {
            name: "lines come one by one, and then the end",
            body: |world| Box::pin(lines(world)),
        },
        Case {
            name: "a line that nobody waits for any more stays",
            body: |world| Box::pin(cancelled_line(world)),
        },
        Case {
            name: "settings are what they were set to",
            body: |world| Box::pin(settings(world)),
        },
        Case {
            name: "random numbers are many, and below their limit",
            body: |world| Box::pin(entropy(world)),
        },
    ]
}

async fn files(world: World) {
    for (path, contents) in FILES {
        let file = world.server.open(path).await.unwrap();
        let len = file.metadata().len;
        assert_eq!(len, contents.len() as u64, "{path}");
        let mut read = Vec::new();
        while (read.len() as u64) < len {
            let at = read.len() as u64;
            let step = 1 + at * 3;
            let chunk = file.read(at..len.min(at + step)).await.unwrap();
            assert!(!chunk.is_empty() && chunk.len() as u64 <= step);
            read.extend_from_slice(&chunk);
        }
        assert!(read == contents, "{path}");
        assert!(file.read(len..len).await.unwrap().is_empty());
        assert_eq!(file.read(len..len + 1).await.err(), Some(StorageError::Io));
    }
}

async fn no_files(world: World) {
    let env = world.server;
    for path in [
        "none",
        "folder/none",
        "../page",
        "folder/../page",
        "/page",
        "page/",
        "a\0b",
    ] {
        let error = env.open(path).await.err();
        assert_eq!(error, Some(StorageError::NotFound), "{path:?}");
    }
    for path in ["folder", ""] {
        let error = env.open(path).await.err();
        assert_eq!(error, Some(StorageError::IsDirectory), "{path:?}");
    }
}

async fn forms(world: World) {
    let storage = &world.server.storage;
    for (path, _) in FILES {
        let plain = world.server.open(path).await.unwrap().metadata();
        for coding in ["br", "zstd", "gzip", "identity"] {
            let coded = File::open_coded(storage, path, coding).await;
            match coded.map(|file| file.metadata()) {
                Ok(coded) => {
                    assert!(plain.codings.contains(&coding), "{path}: {coding}");
                    assert_ne!(coded.etag, plain.etag, "{path}: {coding}");
                    assert_eq!(coded.media, plain.media, "{path}: {coding}");
                }
                Err(error) => {
                    assert!(!plain.codings.contains(&coding), "{path}: {coding}");
                    assert_eq!(error, StorageError::NotFound, "{path}: {coding}");
                }
            }
        }
    }
}

/// It is recognised, or names the same file for ever: never another one.
async fn stale_files(world: World) {
    let storage = &world.server.storage;
    let stale = storage.open("page").unwrap();
    storage.close(stale);
    let other = world.server.open("large").await.unwrap();
    storage.close(stale);
    let read = core::future::poll_fn(|cx| storage.poll_read(stale, 0, 1, cx)).await;
    match read {
        Ok(chunk) => assert_eq!(*chunk, FILES[0].1[..1]),
        Err(error) => assert_eq!(error, StorageError::Io),
    }
    let first = other.read(0..10).await.unwrap();
    assert_eq!(*first, PATTERN[..10]);
}

async fn lines(world: World) {
    for line in TYPED {
        assert_eq!(world.server.line().await.as_deref(), Some(line));
    }
    for _ in 0..2 {
        assert_eq!(world.server.line().await, None);
    }
    world.server.console.print(format_args!("printed"));
}

async fn cancelled_line(world: World) {
    let env = world.server;
    // Dropped while it waits, or before it has looked.
    drop(env.line());
    let raced = either(core::future::ready(()), env.line()).await;
    assert_eq!(raced, Either::First(()));
    let raced = either(pending::<()>(), env.line()).await;
    assert_eq!(raced, Either::Second(Some(TYPED[0].to_owned())));
    assert_eq!(env.line().await.as_deref(), Some(TYPED[1]));
}

async fn settings(world: World) {
    let config = &world.server.config;
    assert_eq!(config.value("answer", 0), Ok(42));
    assert_eq!(config.text("words"), Some("a = b"));
    assert_eq!(config.text("none"), None);
    let wrong = config.value::<u16>("words", 0).unwrap_err().to_string();
    let expected = "setting words cannot be \"a = b\": invalid digit found in string";
    assert_eq!(wrong, expected);
}

async fn entropy(world: World) {
    let entropy = &world.server.entropy;
    let mut drawn: Vec<u64> = (0..1000).map(|_| entropy.next_u64()).collect();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 1000);
    let below: Vec<u64> = (0..1000).map(|_| entropy.below(3)).collect();
    assert!([0, 1, 2].iter().all(|number| below.contains(number)));
    assert!(below.iter().all(|number| *number < 3));
}
