//! A reader who does what the pages say: runs the shell, applies the YAML, and has an AWS account of their own.
//!
//! Each page is one bash script. What a reader has and this machine doesn't is stood in for by the programs in
//! `tests/chart/reader/`.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use devops_agent_simulator::Running;
use serde_json::Value;

use super::docs::markdown::{Block, split};
use super::docs::shell::{is_run, session};
use super::helm;

/// The accounts of the pages.
pub const SAMPLES: [&str; 2] = ["123456789012", "210987654321"];
/// The reader's accounts.
pub const ACCOUNTS: [&str; 2] = ["600000000001", "600000000002"];
/// Groups whose objects are applied; those of other tools aren't installed.
const GROUPS: [&str; 4] = ["devopsagent.dev/v1alpha1", "v1", "apps/v1", "networking.k8s.io/v1"];

/// A reader with a folder, a kubeconfig and programs of their own.
pub struct Reader {
    folder: PathBuf,
    aws: String,
}

impl Reader {
    /// A reader whose AWS is the simulator.
    pub fn new(name: &str, aws: &Running) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("reader-{name}"));
        let _ = fs::remove_dir_all(&folder);
        let (bin, work) = (folder.join("bin"), folder.join("work"));
        for made in [&bin, &work] {
            fs::create_dir_all(made).expect("a folder can be made");
        }
        for program in ["helm", "kubectl", "kubectl-devopsagent", "aws", "curl"] {
            symlink(helm::project().join("tests/chart/reader").join(program), bin.join(program)).unwrap();
        }
        symlink(helm::program("DEVOPS_AGENT_OPERATOR_BIN"), bin.join("devops-agent-operator")).unwrap();
        symlink(helm::project().join("argocd"), work.join("argocd")).unwrap();
        copy_filled_in(&helm::project().join("examples"), &work.join("examples"));
        fs::copy(std::env::var("KUBECONFIG").expect("KUBECONFIG names a cluster"), folder.join("kubeconfig"))
            .expect("the kubeconfig can be copied");
        Self { folder, aws: aws.url() }
    }

    /// Where the reader works.
    pub fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// What the reader asked of AWS by its CLI.
    pub fn asked_of_aws(&self) -> String {
        fs::read_to_string(self.folder.join("calls")).unwrap_or_default()
    }

    /// Runs a script, which must succeed; gives what it prints.
    pub fn run(&self, name: &str, script: &str) -> String {
        self.attempt(name, script).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Runs a script; gives what it prints, or why it failed.
    fn attempt(&self, name: &str, script: &str) -> Result<String, String> {
        let file = self.folder.join(format!("{}.sh", name.replace(['/', '.', ' '], "-")));
        let prelude =
            fs::read_to_string(helm::project().join("tests/chart/reader/prelude.sh")).expect("the prelude");
        fs::write(&file, format!("{prelude}\n{script}")).expect("a script can be written");
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", "300", "bash"]).arg(&file).current_dir(self.work());
        let helm_home = self.folder.join("helm");
        command.env_clear().envs([
            ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.folder.join("bin").display()).into()),
            ("HOME", self.folder.clone().into_os_string()),
            ("HELM_CACHE_HOME", helm_home.into_os_string()),
            ("KUBECONFIG", self.folder.join("kubeconfig").into_os_string()),
            ("CALLS", self.folder.join("calls").into_os_string()),
            ("AWS_URL", self.aws.clone().into()),
            ("CHART", helm::chart().into_os_string()),
            ("PROJECT", helm::project().into()),
            ("PODS", Path::new(env!("CARGO_TARGET_TMPDIR")).join("pods").into_os_string()),
            ("PLUGIN", env!("CARGO_BIN_EXE_kubectl-devopsagent").into()),
            ("HELM", helm::program("DEVOPS_AGENT_HELM_BIN").into_os_string()),
            ("KUBECTL", helm::program("DEVOPS_AGENT_KUBECTL_BIN").into_os_string()),
            // What the pages leave to the reader.
            ("KEY_ID", "simulator".into()),
            ("SECRET_KEY", "simulator".into()),
        ]);
        let output = command.stdin(std::process::Stdio::null()).output().expect("bash can be started");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        if status.success() {
            return Ok(said);
        }
        Err(format!("{name}: {status}\n{said}\n{complained}\nscript: {}", file.display()))
    }

    /// Does everything that a page says, or says why it can't be done; `edit` stands for what the reader fills in.
    pub fn read(&self, page: &str, before: &str, edit: impl Fn(&str) -> String) -> Result<String, String> {
        let script = script(page, |_| true, edit);
        self.attempt(page, &format!("{before}\n{script}"))
    }

    /// Does what stands in the blocks of a page that `chosen` names, in their order.
    pub fn follow(&self, page: &str, chosen: impl Fn(&Block) -> bool) -> String {
        let script = script(page, chosen, ToOwned::to_owned);
        assert!(script.contains("PLACE="), "{page} has no such block");
        self.run(page, &script)
    }
}

/// Copies the examples, with the reader's accounts in them.
fn copy_filled_in(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy_filled_in(&path, &target);
        } else {
            let text = fs::read_to_string(&path).expect("an example is text");
            fs::write(target, with_own_accounts(&text)).expect("a file can be written");
        }
    }
}

/// The text with the reader's accounts for those of the pages.
fn with_own_accounts(text: &str) -> String {
    SAMPLES.iter().zip(ACCOUNTS).fold(text.to_owned(), |text, (sample, own)| text.replace(sample, own))
}

/// The blocks of a page.
pub fn blocks(page: &str) -> Vec<Block> {
    let text =
        fs::read_to_string(helm::project().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
    split(&text).0
}

/// A page as a script.
fn script(page: &str, chosen: impl Fn(&Block) -> bool, edit: impl Fn(&str) -> String) -> String {
    let text =
        fs::read_to_string(helm::project().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
    let mut script = String::new();
    for block in blocks(page).iter().filter(|block| chosen(block)) {
        let (place, number) = (format!("{page}:{}", block.line), block.line);
        let file = format!("{}-{number}", page.replace(['/', '.'], "-"));
        let _ = writeln!(script, "PLACE={place}");
        match block.language() {
            "sh" if is_run(block) => script.push_str(&edit(&with_own_account_set(&block.text))),
            "console" if is_run(block) => {
                for (number, (typed, shown)) in session(block).into_iter().enumerate() {
                    typed_in(&mut script, &format!("{file}-{number}"), &edit(&typed), &shown);
                }
            }
            "yaml" if is_applied(block) => {
                let name = save_as(&text, block);
                let target = name.clone().unwrap_or(format!("{file}.yaml"));
                let text = with_own_accounts(&block.text);
                let _ = writeln!(script, "cat > {target} <<'END-OF-FILE'\n{text}END-OF-FILE");
                if name.is_none() {
                    let _ = writeln!(script, "apply {target}");
                }
            }
            _ => {}
        }
    }
    script
}

fn typed_in(script: &mut String, file: &str, typed: &str, shown: &str) {
    let _ = writeln!(script, "cat > {file}.typed <<'END-OF-FILE'\n{typed}\nEND-OF-FILE");
    if shown.starts_with("NAME") {
        let _ = writeln!(script, "cat > {file}.shown <<'END-OF-FILE'\n{shown}END-OF-FILE");
        let _ = writeln!(script, "shows \"$(cat {file}.typed)\" {file}.shown");
    } else if typed.contains("authorizationUrl") {
        let _ = writeln!(script, "visit \"$(eval \"$(cat {file}.typed)\")\"");
    } else if shown.is_empty() || typed.starts_with("kubectl") {
        let _ = writeln!(script, "eval \"$(cat {file}.typed)\"");
    } else {
        let _ = writeln!(script, "cat > {file}.shown <<'END-OF-FILE'\n{shown}END-OF-FILE");
        let _ = writeln!(script, "[ \"$(eval \"$(cat {file}.typed)\")\" = \"$(cat {file}.shown)\" ]");
    }
}

/// Where a page says what the account is, the reader says what theirs is.
fn with_own_account_set(text: &str) -> String {
    SAMPLES.iter().zip(ACCOUNTS).fold(text.to_owned(), |text, (sample, own)| {
        text.replace(&format!("ACCOUNT={sample}"), &format!("ACCOUNT={own}"))
    })
}

/// Whether the block is a manifest that this cluster can have, and should accept.
fn is_applied(block: &Block) -> bool {
    if block.info != "yaml" {
        return false;
    }
    let objects: Vec<Value> = serde_saphyr::from_multiple(&block.text).expect("the pages' YAML is YAML");
    objects.iter().all(|object| {
        object["metadata"]["name"].is_string()
            && object["apiVersion"].as_str().is_some_and(|version| GROUPS.contains(&version))
    })
}

/// The file's name where the sentence after a block says "save it as".
fn save_as(text: &str, block: &Block) -> Option<String> {
    let end = block.line + block.text.lines().count() + 1;
    let after: Vec<&str> = text.lines().skip(end).take_while(|line| !line.starts_with("```")).collect();
    let after = after.join(" ");
    let name = after.split_once("save it as `")?.1.split_once('`')?.0;
    Some(name.to_owned())
}
