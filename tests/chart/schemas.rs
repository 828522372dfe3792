//! kubeconform: what the chart renders, and the examples, against the schemas of the API server and of our CRDs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::cluster;
use super::helm;
use super::rendering::everything;

/// What only the Prometheus operator knows.
const OF_OTHERS: &str = "ServiceMonitor,PodMonitor,PrometheusRule";

#[test]
fn everything_that_the_chart_renders_fits_its_schema() {
    let folder = schemas();
    let scoped = json!({"watchNamespaces": ["a", "b"], "replicaCount": 2});
    let mut sharded = everything();
    sharded["shards"] = json!(2);
    let all =
        [("defaults", json!({})), ("everything", everything()), ("scoped", scoped), ("sharded", sharded)];
    for (name, values) in all {
        let file = folder.join(format!("rendered-{name}.yaml"));
        fs::write(&file, helm::text(&values)).unwrap();
        conform(&folder, &file);
    }
}

#[test]
fn the_examples_fit_their_schema() {
    conform(&schemas(), &helm::project().join("examples"));
}

#[test]
fn an_object_that_does_not_fit_is_found() {
    let folder = schemas();
    let file = folder.join("bad.yaml");
    let text = "apiVersion: devopsagent.dev/v1alpha1\nkind: AgentSpace\nmetadata: {name: x}\nspec: {name: x, nmae: y}\n";
    fs::write(&file, text).unwrap();
    let (fits, said) = kubeconform(&folder, &file);
    assert!(!fits && said.contains("nmae"), "{said}");
}

fn conform(folder: &Path, what: &Path) {
    let (fits, said) = kubeconform(folder, what);
    assert!(fits, "{}:\n{said}", what.display());
    assert!(said.contains("Errors: 0"), "{said}");
}

fn kubeconform(folder: &Path, what: &Path) -> (bool, String) {
    let location = format!("{}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", folder.display());
    let output = Command::new(helm::program("DEVOPS_AGENT_KUBECONFORM_BIN"))
        .args(["-strict", "-summary", "-skip", OF_OTHERS, "-schema-location", &location])
        // Objects of Argo CD and Flux are checked against their own CRDs elsewhere.
        .args(["-ignore-filename-pattern", "examples/(argocd|flux)/"])
        .arg(what)
        .output()
        .expect("kubeconform can be started");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Writes the schemas: those of the API server's `OpenAPI` document, and of our CRDs.
fn schemas() -> PathBuf {
    static WRITTEN: std::sync::Once = std::sync::Once::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schemas-{}", std::process::id()));
    WRITTEN.call_once(|| {
        fs::create_dir_all(&folder).unwrap();
        let mut document = cluster::raw("/openapi/v2");
        let kinds = kinds(&document);
        closed(&mut document["definitions"]);
        fs::write(
            folder.join("definitions.json"),
            json!({"definitions": document["definitions"]}).to_string(),
        )
        .unwrap();
        for (file, definition) in kinds {
            let reference = json!({"$ref": format!("definitions.json#/definitions/{definition}")});
            fs::write(folder.join(file), reference.to_string()).unwrap();
        }
        for entry in fs::read_dir(helm::project().join("crds")).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let crd: Value = serde_saphyr::from_str(&text).unwrap();
            let mut schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
            schema["properties"]["apiVersion"] = json!({"type": "string"});
            schema["properties"]["kind"] = json!({"type": "string"});
            schema["properties"]["metadata"] = json!({"type": "object"});
            closed(&mut schema);
            let kind = crd["spec"]["names"]["kind"].as_str().unwrap().to_lowercase();
            fs::write(folder.join(format!("{kind}-devopsagent-v1alpha1.json")), schema.to_string()).unwrap();
        }
    });
    folder
}

/// The file that kubeconform looks for, and the definition, of every kind.
fn kinds(document: &Value) -> Vec<(String, String)> {
    let mut kinds = Vec::new();
    for (name, definition) in document["definitions"].as_object().unwrap() {
        for kind in definition["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let word = |member: &str| kind[member].as_str().unwrap_or_default().to_lowercase();
            let group = word("group");
            let group = group.split('.').next().unwrap_or_default();
            let group = if group.is_empty() { String::new() } else { format!("-{group}") };
            kinds.push((format!("{}{group}-{}.json", word("kind"), word("version")), name.clone()));
        }
    }
    kinds
}

/// Closes objects against unknown members, and adds what `OpenAPI` leaves implicit.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(closed);
            let open = members.contains_key("additionalProperties")
                || members.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
            if members.get("properties").is_some_and(Value::is_object)
                && !open
                && members.contains_key("type")
            {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            let either = members.get("format") == Some(&json!("int-or-string"))
                || members.get("x-kubernetes-int-or-string") == Some(&json!(true));
            let description = members.get("description").and_then(Value::as_str).unwrap_or_default();
            if either || description.starts_with("Quantity is a fixed-point") {
                members.remove("format");
                members.insert("type".to_owned(), json!(["string", "number"]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(closed),
        _ => {}
    }
}
