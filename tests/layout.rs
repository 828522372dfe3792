//! The layout of the source: imports go downwards, and every module has a name of its own.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

/// The layers from the lowest: a module may import from its own layer and from lower ones. A folder's layer holds whatever
/// in it isn't a layer of its own.
const LAYERS: &[&str] = &[
    "text",
    "version",
    "log",
    "echo",
    "fairness",
    "traces",
    "api",
    "document",
    "aws",
    "kubernetes",
    "reconcile::state",
    "reconcile::graph",
    "metrics",
    "reconcile",
    "kinds",
    "runtime",
    "operator",
    "generate",
    "ctl",
    "cli",
];

/// Modules that several folders may have: the tests of a module, if they are long.
const SHARED: &[&str] = &["tests"];

/// One module: its path within the crate, and what it imports.
struct Module {
    path: Vec<String>,
    imports: BTreeSet<Vec<String>>,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path, kind: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, kind, found);
        } else if path.extension().is_some_and(|extension| extension == kind) {
            found.push(path);
        }
    }
}

fn modules() -> Vec<Module> {
    let mut files = Vec::new();
    self::files(&source(), "rs", &mut files);
    let modules = files.iter().map(|file| {
        let path = file.strip_prefix(source()).unwrap().with_extension("");
        let path: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let mut imports = Imports { module: path.clone(), found: BTreeSet::new() };
        imports.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
        Module { path, imports: imports.found }
    });
    modules.filter(|module| !["main", "lib", "bin"].contains(&module.path[0].as_str())).collect()
}

/// Collects what a file imports: its `use` items, and paths that begin at the crate or at a parent.
struct Imports {
    module: Vec<String>,
    found: BTreeSet<Vec<String>>,
}

impl Imports {
    fn add(&mut self, path: &[String]) {
        let mut path = path.iter().map(String::as_str);
        let mut full = match path.next() {
            Some("crate") => Vec::new(),
            Some("self") => self.module.clone(),
            Some("super") => self.module[..self.module.len() - 1].to_vec(),
            _ => return,
        };
        for part in path {
            if part == "super" {
                full.pop();
            } else {
                full.push(part.to_owned());
            }
        }
        self.found.insert(full);
    }

    fn add_tree(&mut self, before: &[String], tree: &UseTree) {
        let joined = |part: &syn::Ident| [before, &[part.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&joined(&path.ident), &path.tree),
            UseTree::Name(name) => self.add(&joined(&name.ident)),
            UseTree::Rename(rename) => self.add(&joined(&rename.ident)),
            UseTree::Glob(_) => self.add(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
        }
    }
}

/// Tests may look up: they try a module with what uses it.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

impl Visit<'_> for Imports {
    fn visit_item(&mut self, item: &Item) {
        let attributes = match item {
            Item::Use(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&parts);
        visit::visit_path(self, path);
    }
}

/// The position of the layer that `path` is in: that of the longest name that it begins with.
fn layer(path: &[String]) -> Option<usize> {
    let path = path.join("::");
    let within =
        |name: &str| path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
    let names = LAYERS.iter().enumerate().filter(|(_, name)| within(name));
    names.max_by_key(|(_, name)| name.len()).map(|(position, _)| position)
}

/// Files that hold only tests.
fn holds_tests(module: &Module) -> bool {
    module.path.last().is_some_and(|name| name == "tests" || name.ends_with("_test"))
}

#[test]
fn imports_go_downwards() {
    let mut wrong = Vec::new();
    for module in modules().iter().filter(|module| !holds_tests(module)) {
        let name = module.path.join("::");
        let Some(own) = layer(&module.path) else {
            wrong.push(format!("{name} is in no layer"));
            continue;
        };
        for import in &module.imports {
            // The crate's root has nothing but modules.
            if let Some(other) = layer(import)
                && other > own
            {
                wrong.push(format!(
                    "{name} imports {}, and {} is above {}",
                    import.join("::"),
                    LAYERS[other],
                    LAYERS[own]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_layer_is_there() {
    let paths: BTreeSet<String> = modules().iter().map(|module| module.path.join("::")).collect();
    let gone: Vec<&&str> = LAYERS.iter().filter(|layer| !paths.contains(**layer)).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

/// The contract of a kind in `api` and its behaviour in `kinds` share a name; nothing else does.
#[test]
fn no_two_modules_share_a_name() {
    let mut by_name: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for module in modules() {
        by_name.entry(module.path.last().unwrap().clone()).or_default().push(module.path);
    }
    let contract_and_behaviour = |paths: &[Vec<String>]| {
        let mut roots: Vec<&str> = paths.iter().map(|path| path[0].as_str()).collect();
        roots.sort_unstable();
        roots == ["api", "kinds"]
    };
    by_name.retain(|name, paths| {
        paths.len() > 1 && !SHARED.contains(&name.as_str()) && !contract_and_behaviour(paths)
    });
    assert!(by_name.is_empty(), "{by_name:#?}");
}

#[test]
fn every_source_file_that_a_page_names_is_there() {
    let named = regex::Regex::new(r"`((?:src|tests|xtask|simulator)/[\w/.]*)`").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    files(&root.join("docs/src"), "md", &mut pages);
    let mut gone = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let paths = named.captures_iter(&text).map(|found| found[1].to_owned());
        gone.extend(
            paths.filter(|path| !root.join(path).exists()).map(|path| format!("{}: {path}", page.display())),
        );
    }
    assert!(gone.is_empty(), "{}", gone.join("\n"));
}
