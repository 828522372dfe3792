//! The servers under abuse, and metrics for those who may read them.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::harness::{kubectl, wait_until, world};

/// Connections to each server, many more than it keeps.
const MANY: usize = 400;
/// Files that it may open meanwhile for something else.
const OTHERS: usize = 8;
/// What a half-open connection has until it is closed, with room for a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(12);

/// Opens connections, each with an unfinished header.
fn half_open(address: SocketAddr) -> Vec<TcpStream> {
    (0..MANY)
        .map(|_| {
            let mut stream = TcpStream::connect(address).expect("the server listens");
            stream.set_nonblocking(true).unwrap();
            // The server may have cut it off already.
            let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: aaaa");
            stream
        })
        .collect()
}

/// How many the server has not closed.
fn still_open(streams: &mut [TcpStream]) -> usize {
    let open = |stream: &mut TcpStream| matches!(stream.read(&mut [0; 256]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    streams.iter_mut().filter_map(|stream| open(stream).then_some(())).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_connections_keep_no_probe_from_an_answer_and_are_closed_in_time() {
    let world = world().await;
    let operator = world.operator(&[]);
    operator.ready().await;
    assert!(operator.metrics().await.ends_with("# EOF\n"));
    let (memory, files) = (operator.memory(), operator.open_files());

    let mut to_metrics = half_open(operator.metrics);
    assert_eq!(operator.get("/livez").await, Some((200, "ok".to_owned())), "metrics are full");
    let mut to_probes = half_open(operator.admin);
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(operator.get("/livez").await, Some((200, "ok".to_owned())), "probes are full");
    }
    assert!(operator.metrics().await.ends_with("# EOF\n"));
    let (more_memory, more_files) = (operator.memory(), operator.open_files());
    assert!(more_files <= files + 64 + 128 + OTHERS, "{more_files} files are open, {files} before");
    let grown = more_memory.saturating_sub(memory);
    assert!(grown < 16 << 10, "{grown} KiB for {MANY} connections to each server");

    wait_until("they are closed", async || {
        (still_open(&mut to_metrics) + still_open(&mut to_probes) == 0).then_some(())
    })
    .await;
    assert!(started.elapsed() < CLOSED_WITHIN, "after {:?}", started.elapsed());
    let fewer = || (operator.open_files() <= files + OTHERS).then_some(());
    wait_until("its files are closed", async || fewer()).await;
    operator.ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_those_who_have_the_right() {
    let world = world().await;
    let operator = world.operator(&["--metrics-auth"]);
    operator.ready().await;
    let read = async |token: Option<&str>| operator.metrics_for(token.map(str::trim)).await;
    assert_eq!(read(None).await.0, 401);
    assert_eq!(read(Some("nonsense")).await.0, 401);
    assert!(operator.metrics().await.is_empty(), "plain HTTP is not answered");

    kubectl(&["-n", &world.namespace, "create", "serviceaccount", "reader"], "");
    kubectl(&["-n", &world.namespace, "create", "serviceaccount", "somebody"], "");
    let role = format!("{}-reader", world.namespace);
    kubectl(&["create", "clusterrole", &role, "--verb=get", "--non-resource-url=/metrics"], "");
    let account = format!("--serviceaccount={}:reader", world.namespace);
    kubectl(&["create", "clusterrolebinding", &role, &format!("--clusterrole={role}"), &account], "");
    let token = |name: &str| kubectl(&["-n", &world.namespace, "create", "token", name], "");
    let (status, text) = read(Some(&token("somebody"))).await;
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("/metrics"), "{text}");
    let reader = token("reader");
    wait_until("the reader reads", async || {
        let (status, text) = read(Some(&reader)).await;
        (status == 200 && text.ends_with("# EOF\n")).then_some(())
    })
    .await;
    assert!(!operator.log().contains(reader.trim()), "no token is logged");
    kubectl(&["delete", "clusterrole,clusterrolebinding", &role], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_level_has_an_address_of_its_own() {
    let world = world().await;
    let operator = world.operator(&[]);
    operator.ready().await;
    assert_eq!(operator.get("/loglevel").await.unwrap().0, 404, "not beside the probes");
    assert_eq!(operator.get("/metrics").await.unwrap().0, 404, "nor the metrics");
    assert_eq!(operator.log_level(None).await.unwrap().0, 200);
}
