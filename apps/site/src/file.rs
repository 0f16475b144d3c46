//! One file as the answer to one request.

use alloc::borrow::Cow;
use alloc::format;
use alloc::rc::Rc;
use core::future::{Future, poll_fn};
use core::ops::Range;
use core::pin::pin;
use core::task::Poll;

use http::{
    Date, Error, Etag, Exchange, FilePath, Precondition, Request, Response, Selection, Status,
    Validators, media,
};
use packet::{Chunk, Transport};
use runtime::{File, Metadata, Storage, StorageError};

const NOT_FOUND: &str = include_str!("not-found.html");

/// Answers with the file at `path`; with `index.html` in a directory; with a redirect to the
/// directory's own path where its `/` is missing.
pub(crate) async fn serve<T: Transport>(
    storage: &Rc<dyn Storage>,
    request: &Request<'_>,
    path: &FilePath<'_>,
    exchange: &mut Exchange<'_, T>,
) -> Result<(), Error<T::Error>> {
    let name: Cow<'_, str> = match (&*path.name, path.is_directory) {
        ("", _) => "index.html".into(),
        (name, true) => format!("{name}/index.html").into(),
        (name, false) => name.into(),
    };
    let file = match File::open(storage, &name).await {
        Ok(file) => file,
        Err(StorageError::IsDirectory) if !path.is_directory => {
            return redirect(request, path, exchange).await;
        }
        Err(StorageError::NotFound | StorageError::IsDirectory) => {
            return not_found(exchange).await;
        }
        Err(error) => return exchange.reply_status(status(error)).await,
    };
    let codings = file.metadata().codings;
    let (file, coding) = in_coding(storage, request, &name, file).await;
    let Metadata { len, media, .. } = file.metadata();
    let validators = validators(file.metadata());
    let now = exchange.now();
    let response = |status| {
        Response::new(status)
            .validators(validators)
            .varies(!codings.is_empty())
            .accepts_ranges()
    };
    match Precondition::evaluate(request, validators, now) {
        Precondition::Proceed => {}
        Precondition::NotModified => {
            return exchange.respond(response(Status::NOT_MODIFIED)).await;
        }
        Precondition::Failed => return exchange.reply_status(Status::PRECONDITION_FAILED).await,
    }
    let (response, range) = match Selection::of(request, validators, len, now) {
        Selection::Whole => (response(Status::OK), 0..len),
        Selection::Part(range) => (
            response(Status::PARTIAL_CONTENT).content_range(Some(range.clone()), len),
            range,
        ),
        Selection::Unsatisfiable => {
            let response = Response::new(Status::RANGE_NOT_SATISFIABLE)
                .varies(!codings.is_empty())
                .content_range(None, len);
            return exchange.reply(response, Chunk::default()).await;
        }
    };
    let response = response
        .content_type(media.unwrap_or_else(|| media::of(&name)))
        .content_coding(coding)
        .length(range.end - range.start);
    if !exchange.wants_body() {
        return exchange.respond(response).await;
    }
    stream(&file, range, response, exchange).await
}

/// The form of a file that the request asks for, and its coding if it has one. Each form has its own
/// length and tag, so conditions and ranges are about that form.
async fn in_coding(
    storage: &Rc<dyn Storage>,
    request: &Request<'_>,
    name: &str,
    file: File,
) -> (File, Option<&'static str>) {
    let Some(coding) = http::choose_coding(request, file.metadata().codings) else {
        return (file, None);
    };
    match File::open_coded(storage, name, coding).await {
        Ok(coded) => (coded, Some(coding)),
        // It was there a moment ago; the file itself still is.
        Err(_) => (file, None),
    }
}

fn validators(Metadata { modified, etag, .. }: Metadata) -> Validators {
    Validators {
        etag: Some(Etag(etag)),
        last_modified: modified.map(|since_1970| Date {
            unix: since_1970.as_secs(),
        }),
    }
}

/// Says that there is nothing.
pub(crate) async fn not_found<T: Transport>(
    exchange: &mut Exchange<'_, T>,
) -> Result<(), Error<T::Error>> {
    let response = Response::new(Status::NOT_FOUND).content_type(media::HTML);
    exchange.reply(response, NOT_FOUND.as_bytes()).await
}

/// Sends a range of a file. The next piece is read while the last one is on its way out; more than
/// these two are never held.
async fn stream<T: Transport>(
    file: &File,
    range: Range<u64>,
    response: Response<'_>,
    exchange: &mut Exchange<'_, T>,
) -> Result<(), Error<T::Error>> {
    // The first piece is read before anything is promised: a disk that fails here is a plain 500.
    let mut piece = match file.read(range.clone()).await {
        Ok(piece) => piece,
        Err(error) => return exchange.reply_status(status(error)).await,
    };
    exchange.respond(response).await?;
    let mut at = range.start;
    loop {
        at += piece.len() as u64;
        if at >= range.end {
            return exchange.send(piece).await;
        }
        let (sent, read) = both(exchange.send(piece), file.read(at..range.end)).await;
        sent?;
        piece = read.map_err(|_| Error::Aborted)?;
    }
}

async fn redirect<T: Transport>(
    request: &Request<'_>,
    path: &FilePath<'_>,
    exchange: &mut Exchange<'_, T>,
) -> Result<(), Error<T::Error>> {
    let query = request.query.map(|query| format!("?{query}"));
    let target = format!(
        "{}/{}",
        path.encoded(),
        query.as_deref().unwrap_or_default()
    );
    let response = Response::new(Status::MOVED_PERMANENTLY)
        .location(&target)
        .content_type(media::TEXT);
    exchange
        .reply(response, Status::MOVED_PERMANENTLY.reason().as_bytes())
        .await
}

const fn status(error: StorageError) -> Status {
    match error {
        StorageError::NotFound | StorageError::IsDirectory => Status::NOT_FOUND,
        StorageError::Denied => Status::FORBIDDEN,
        StorageError::Busy => Status::SERVICE_UNAVAILABLE,
        StorageError::Io => Status::INTERNAL_SERVER_ERROR,
    }
}

/// Runs two futures until both are done.
async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut from_a, mut from_b) = (None, None);
    poll_fn(|cx| {
        if from_a.is_none()
            && let Poll::Ready(output) = a.as_mut().poll(cx)
        {
            from_a = Some(output);
        }
        if from_b.is_none()
            && let Poll::Ready(output) = b.as_mut().poll(cx)
        {
            from_b = Some(output);
        }
        match (from_a.take(), from_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (from_a, from_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
