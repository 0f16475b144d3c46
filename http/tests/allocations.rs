//! Steady traffic takes no memory from the heap.

extern crate parhelion_http as http;

mod script;

use http::{
    Date, Error, Etag, Exchange, FilePath, Handler, Limits, Precondition, Request, Response,
    Selection, Server, Status, Validators, media,
};
use packet::{Chunk, Transport};
use script::{Event, Script, World, run};

/// Does what a file server does with a request.
struct File;

static BODY: [u8; 4096] = [b'a'; 4096];

impl Handler for File {
    async fn handle<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let path = FilePath::parse(request.path)?;
        let validators = Validators {
            etag: Some(Etag(7)),
            last_modified: Some(Date { unix: 784_111_777 }),
        };
        let now = exchange.now();
        let condition = Precondition::evaluate(request, validators, now);
        let selection = Selection::of(request, validators, BODY.len() as u64, now);
        assert_eq!(
            (condition, selection),
            (Precondition::Proceed, Selection::Whole)
        );
        let response = Response::new(Status::OK)
            .content_type(media::of(&path.name))
            .validators(validators)
            .accepts_ranges();
        exchange.reply(response, &BODY[..]).await
    }
}

/// As a browser asks.
const REQUEST: &[u8] = b"GET /assets/site.css?v=3 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\
    Connection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\
    Accept: text/css,*/*;q=0.1\r\nReferer: http://127.0.0.1:8080/\r\n\
    Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\nIf-None-Match: \"x\"\r\n\r\n";

/// How often the heap was asked while `count` requests were answered.
fn allocations(count: usize) -> u64 {
    let world = World::default();
    let server = Server::new(Limits::default(), world.clone());
    let requests = core::iter::repeat_n(Event::Bytes(Chunk::from(REQUEST)), count);
    let script = Script::new(&world, requests);
    script.peer.borrow_mut().forgets = true;
    let transport = script.clone();
    let info = allocation_counter::measure(|| run(server.serve(transport, &File)));
    assert_eq!(server.served(), count as u64);
    assert!(script.peer.borrow().received > (count * BODY.len()) as u64);
    info.count_total
}

#[test]
fn a_request_on_a_kept_connection_allocates_nothing() {
    let first = allocations(1);
    assert!(
        first > 0,
        "the counter counts: a request has memory of its own"
    );
    assert_eq!(allocations(1000), first);
}
