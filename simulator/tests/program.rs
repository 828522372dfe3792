//! The program: its line on stdout, its options, its end.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "this is a test")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_devops-agent-simulator");

#[test]
fn it_says_where_it_listens_keeps_its_state_and_ends_cleanly() {
    let file = std::env::temp_dir().join(format!("simulator-program-{}.json", std::process::id()));
    let mut program = Command::new(PROGRAM)
        .args([
            "--listen",
            "127.0.0.1:0",
            "--switch",
            "associateExisting=new-id",
            "--settle-ms",
            "7",
            "--state-file",
        ])
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(program.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let port = line.trim_end().strip_prefix("listening on http://127.0.0.1:").unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0);
    assert!(Command::new("kill").arg(program.id().to_string()).status().unwrap().success());
    assert!(program.wait().unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_wrong_switch_or_account_is_explained() {
    let run = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&["--listen", "127.0.0.1:0", "--switch", "listOrder=random"]).contains("newest"));
    assert!(run(&["--listen", "127.0.0.1:0", "--switch", "listOrder"]).contains("NAME=VALUE"));
    assert!(run(&["--account-id", "12"]).contains("12 digits"));
}
