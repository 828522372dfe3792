use std::net::Ipv4Addr;

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);
const ASK: &[u8] = b"GET /answer HTTP/1.1\r\nHost: x\r\n\r\n";
const HALF: &[u8] = b"GET /answer HTTP/1.1\r\nHost: x\r\nX-Long: aaaa";
const LONG_ANSWER: usize = 64 * 1024 * 1024;

struct Running {
    address: SocketAddr,
    _task: JoinSet<()>,
}

/// A server with these limits, on loopback.
async fn start(connections: usize, header: Duration, whole: Duration) -> Running {
    let router = Router::new()
        .route("/answer", get(|| async { "here" }))
        .route("/length", post(|body: String| async move { body.len().to_string() }))
        .route("/long", get(|| async { "a".repeat(LONG_ANSWER) }))
        .route("/never", get(std::future::pending::<()>));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut task = JoinSet::new();
    task.spawn(Server::new(listener, router, Limits { connections, header, whole }).serve());
    Running { address, _task: task }
}

async fn connect(server: &Running, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server may have closed it already.
    let _ = stream.write_all(bytes).await;
    stream
}

/// Everything that comes until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(LIMIT, stream.read_to_end(&mut bytes)).await.expect("the connection is closed");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn is_answered(server: &Running) -> bool {
    rest(connect(server, ASK).await).await.ends_with("\r\n\r\nhere")
}

#[tokio::test]
async fn half_open_connections_are_closed_in_time() {
    let server = start(50, Duration::from_millis(200), LIMIT).await;
    let mut streams = Vec::new();
    for bytes in [b"".as_slice(), b"GET ", HALF] {
        streams.push(connect(&server, bytes).await);
    }
    for stream in streams {
        assert!(!rest(stream).await.contains("here"));
    }
}

#[tokio::test]
async fn a_header_that_comes_byte_by_byte_is_cut_off() {
    let server = start(50, Duration::from_millis(300), LIMIT).await;
    let mut stream = connect(&server, b"GET /answer HTTP/1.1\r\nX-Long: ").await;
    let (mut read, mut write) = stream.split();
    let dripping = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while write.write_all(b"a").await.is_ok() {
            ticks.tick().await;
        }
    };
    let closed = async { while read.read_u8().await.is_ok() {} };
    timeout(LIMIT, async {
        tokio::select! {
            () = dripping => {}
            () = closed => {}
        }
    })
    .await
    .expect("the connection is closed although bytes keep coming");
}

#[tokio::test]
async fn who_opens_a_thousand_connections_keeps_nobody_from_an_answer() {
    let server = start(16, LIMIT, LIMIT).await;
    let mut half_open = Vec::new();
    for _ in 0..1000 {
        half_open.push(connect(&server, HALF).await);
    }
    for _ in 0..20 {
        assert!(is_answered(&server).await);
    }
    let mut open = 0;
    for stream in &half_open {
        let mut byte = [0];
        open += usize::from(
            matches!(stream.try_read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
        );
    }
    assert!(open <= 16, "{open} are open");
}

#[tokio::test]
async fn who_asks_and_takes_no_answer_keeps_nobody_from_one() {
    let server = start(8, LIMIT, LIMIT).await;
    let mut lazy = Vec::new();
    for path in ["/never", "/long"].repeat(20) {
        lazy.push(connect(&server, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await);
        assert!(is_answered(&server).await);
    }
}

#[tokio::test]
async fn a_connection_that_takes_too_long_is_cut_off_whatever_it_waits_for() {
    let server = start(8, LIMIT, Duration::from_millis(300)).await;
    let lazy = connect(&server, b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let hanging = connect(&server, b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let short = b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc";
    let unfinished = connect(&server, short).await;
    assert_eq!(rest(hanging).await, "");
    assert_eq!(rest(unfinished).await, "");
    // It came before the others, and doesn't get what it didn't read in time.
    assert!(rest(lazy).await.len() < LONG_ANSWER);
}

#[tokio::test]
async fn a_connection_is_for_one_request() {
    let server = start(8, LIMIT, LIMIT).await;
    let twice = connect(&server, &[ASK, ASK].concat()).await;
    assert_eq!(rest(twice).await.matches("here").count(), 1);
}

#[tokio::test]
async fn long_headers_and_bodies_are_refused() {
    let server = start(8, LIMIT, LIMIT).await;
    let long = format!("GET /answer HTTP/1.1\r\nX-Long: {}\r\n\r\n", "a".repeat(HEADER_BYTES * 2));
    assert!(!rest(connect(&server, long.as_bytes()).await).await.contains("here"));
    let many = format!("GET /answer HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(HEADER_FIELDS + 1));
    assert!(!rest(connect(&server, many.as_bytes()).await).await.contains("here"));
    let post = |length: usize| {
        format!("POST /length HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{}", "a".repeat(length))
    };
    assert!(rest(connect(&server, post(BODY_BYTES).as_bytes()).await).await.ends_with("1024"));
    assert!(rest(connect(&server, post(BODY_BYTES + 1).as_bytes()).await).await.contains(" 413 "));
}

#[test]
fn of_the_peer_with_the_most_connections_the_oldest_goes_that_asks_for_nothing() {
    let [one, two] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
    assert_eq!(victim::<u8>(&[]), None);
    assert_eq!(victim(&[('a', one, false, 1)]), Some('a'));
    let crowd = [('a', one, false, 1), ('b', two, true, 2), ('c', two, false, 4), ('d', two, false, 3)];
    assert_eq!(victim(&crowd), Some('d'), "not the oldest, which is its peer's only one");
    assert_eq!(victim(&[('a', one, true, 1), ('b', one, true, 2)]), Some('a'));
}
