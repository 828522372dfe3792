//! What tells why a run failed.

use devops_agent_simulator::Call;

use super::log;
use super::run::Run;

/// The calls, the objects, the remotes and the log of a run that failed.
pub fn trace(run: &Run, first_line: u64) -> String {
    let calls = run.world.boundary.calls().iter().map(ToString::to_string).collect();
    let objects = run.world.place().all();
    let ours = objects.iter().filter(|object| object["kind"] != "Secret");
    let objects = ours.filter_map(|object| serde_json::to_string_pretty(&**object).ok()).collect();
    let remotes = serde_json::to_string_pretty(&run.world.simulator.resources()).into_iter().collect();
    let reached = run.world.simulator.call_log(0).iter().map(line).collect();
    let sections: [(&str, Vec<String>); 5] = [
        ("calls", calls),
        ("objects", objects),
        ("remotes", remotes),
        ("what reached AWS", reached),
        ("log", log::lines(first_line, run.world.namespace())),
    ];
    let mut text = String::new();
    for (title, lines) in sections {
        text.push_str("--- ");
        text.push_str(title);
        for line in lines {
            text.push('\n');
            text.push_str(line.trim_end());
        }
        text.push('\n');
    }
    text
}

fn line(call: &Call) -> String {
    format!("{} {} {} {:?} {:?}", call.time, call.operation, call.status, call.error, call.resource)
}
