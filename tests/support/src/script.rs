//! A service on the loopback interface that responds by a script, one connection per request.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// The line and the headers.
    pub head: String,
    /// What follows them.
    pub body: String,
}

impl Request {
    /// Method and path.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap().trim_end_matches(" HTTP/1.1")
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// What the service does next.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Closes the connection without an answer.
    Hang,
    /// Takes the request and never answers.
    Silence,
}

/// The answer 200.
pub fn ok(body: &str) -> Reply {
    Reply::Answer(200, Vec::new(), body.to_owned())
}

/// A refusal as AWS words it, with the name of the error.
pub fn refuse(status: u16, name: &str) -> Reply {
    Reply::Answer(status, vec![("x-amzn-errortype", name.to_owned())], r#"{"message": "no"}"#.to_owned())
}

/// A service that answers by a script.
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Service {
    /// Responds by the script, and after its end with 500.
    pub async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let script = Mutex::new(script.into_iter().collect::<VecDeque<_>>());
        Self::answering(move |_| {
            script.lock().unwrap().pop_front().unwrap_or_else(|| refuse(500, "ScriptEnded"))
        })
        .await
    }

    /// Answers each request by this.
    pub async fn answering(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move { serve(stream, &seen, answer.as_ref()).await });
            }
        });
        Self { address, requests }
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Their lines.
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.line().to_owned()).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &(dyn Fn(&Request) -> Reply + Send + Sync),
) {
    let Some(request) = read(&mut stream).await else { return };
    let reply = answer(&request);
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Hang => {}
        Reply::Silence => std::future::pending().await,
        Reply::Answer(status, headers, body) => {
            let mut head =
                format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                let _ = write!(head, "{name}: {value}\r\n");
            }
            let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes()).await;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let request = Request { head: head.to_owned(), body: body.to_owned() };
            let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(request);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
