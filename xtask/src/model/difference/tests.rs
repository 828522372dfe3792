use serde_json::{Value, json};

use super::{between, table};

/// A model with one operation, `Put`, that takes `In` and gives `Out`.
fn model(shapes: &Value) -> Value {
    json!({
        "metadata": {"apiVersion": "1"},
        "operations": {"Put": {"name": "Put", "http": {"method": "PUT", "requestUri": "/"},
            "input": {"shape": "In"}, "output": {"shape": "Out"}, "errors": [{"shape": "Gone"}]}},
        "shapes": shapes,
    })
}

fn shapes() -> Value {
    json!({
        "In": {"type": "structure", "required": ["name"],
            "members": {"name": {"shape": "Name"}, "both": {"shape": "Both"}}},
        "Out": {"type": "structure", "members": {"both": {"shape": "Both"}, "list": {"shape": "List"}}},
        "Name": {"type": "string", "min": 1, "max": 64, "pattern": "[a-z]+"},
        "Both": {"type": "string", "enum": ["a", "b"]},
        "List": {"type": "list", "member": {"shape": "Name"}},
        "Gone": {"type": "structure", "members": {}, "error": {"httpStatusCode": 404}},
    })
}

/// What is reported for a change to the shapes: place, meaning and detail.
fn said(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut changed = shapes();
    change(&mut changed);
    told(&model(&shapes()), &model(&changed))
}

fn told(old: &Value, new: &Value) -> Vec<String> {
    let changes = between(old, new);
    changes.iter().map(|one| format!("{} | {} | {}", one.place, one.meaning(), one.detail)).collect()
}

#[test]
fn the_same_model_has_no_changes_and_no_table() {
    let model = model(&shapes());
    assert_eq!(table(&between(&model, &model)), "");
}

#[test]
fn a_new_member_is_listed_with_the_members_of_its_new_shapes() {
    let found = said(|shapes| {
        shapes["Out"]["members"]["state"] = json!({"shape": "State"});
        shapes["State"] = json!({"type": "structure", "required": ["code"],
            "members": {"code": {"shape": "Code"}, "ids": {"shape": "Ids"}}});
        shapes["Code"] = json!({"type": "string", "enum": ["x", "y"], "sensitive": true});
        shapes["Ids"] = json!({"type": "list", "member": {"shape": "Name"}, "min": 1, "max": 9});
    });
    let expected = [
        "Out.state | new output | structure State",
        "State.code | new output | required string, one of x, y, sensitive",
        "State.ids | new output | list of string, 1..64, `[a-z]+`, 1..9",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_new_member_that_requests_must_have_makes_the_input_tighter() {
    let found = said(|shapes| {
        shapes["In"]["members"]["more"] = json!({"shape": "Name"});
        shapes["In"]["required"] = json!(["name", "more"]);
    });
    assert_eq!(found, ["In.more | tighter input | required string, 1..64, `[a-z]+`"]);
}

#[test]
fn bounds_are_looser_or_tighter_by_their_direction() {
    let bounds = |min: Value, max: Value| {
        said(|shapes| {
            shapes["Name"]["min"] = min;
            shapes["Name"]["max"] = max;
        })
    };
    let sides = "input, output";
    assert_eq!(bounds(json!(2), json!(64)), [format!("Name | tighter {sides} | min: 1 → 2")]);
    assert_eq!(bounds(Value::Null, json!(64)), [format!("Name | looser {sides} | min: 1 → none")]);
    assert_eq!(bounds(json!(0), json!(64)), [format!("Name | looser {sides} | min: 1 → 0")]);
    assert_eq!(bounds(json!(1), json!(63)), [format!("Name | tighter {sides} | max: 64 → 63")]);
    assert_eq!(bounds(json!(1), json!(65)), [format!("Name | looser {sides} | max: 64 → 65")]);
    assert_eq!(bounds(json!(1), Value::Null), [format!("Name | looser {sides} | max: 64 → none")]);
}

#[test]
fn values_come_and_go_and_what_goes_is_told_first() {
    let found = said(|shapes| shapes["Both"]["enum"] = json!(["b", "c"]));
    assert_eq!(found, ["Both | gone input, output | value a", "Both | new input, output | value c"]);
    let open = said(|shapes| shapes["Both"]["enum"] = Value::Null);
    assert_eq!(open, ["Both | looser input, output | no longer one of a, b"]);
}

#[test]
fn required_members_types_and_marks_are_compared() {
    let found = said(|shapes| {
        shapes["In"]["required"] = json!(["both"]);
        shapes["In"]["members"]["name"]["location"] = json!("uri");
        shapes["List"]["type"] = json!("map");
        shapes["Name"]["pattern"] = json!("[a-z]*");
        shapes["Gone"]["error"]["httpStatusCode"] = json!(410);
    });
    let expected = [
        "In.both | tighter input | now required",
        "Gone | changed output | error: {\"httpStatusCode\":404} → {\"httpStatusCode\":410}",
        "In.name | changed input | location: none → uri",
        "List | changed output | type: list → map",
        "Name | changed input | pattern: `[a-z]+` → `[a-z]*`",
        "In.name | looser input | no longer required",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_shape_under_another_name_is_compared_with_the_one_in_its_place() {
    let found = said(|shapes| {
        shapes["In"]["members"]["name"]["shape"] = json!("Title");
        shapes["Title"] = json!({"type": "string", "min": 1, "max": 9, "pattern": "[a-z]+"});
    });
    assert_eq!(found, ["Title | tighter input | max: 64 → 9"]);
}

#[test]
fn operations_and_their_errors_come_and_go() {
    let old = model(&shapes());
    let mut new = old.clone();
    new["operations"]["Get"] = json!({"name": "Get", "http": {"method": "GET", "requestUri": "/x"}});
    new["operations"]["Put"]["idempotent"] = json!(true);
    new["operations"]["Put"]["errors"] = json!([{"shape": "Busy"}]);
    new["shapes"]["Busy"] = json!({"type": "structure"});
    let expected = [
        "Put | gone output | error Gone",
        "Put | changed | idempotent: none → true",
        "Get | new | operation, GET /x",
        "Put | new output | error Busy",
    ];
    assert_eq!(told(&old, &new), expected);
    assert_eq!(told(&new, &old)[0], "Get | gone | operation");
}

#[test]
fn a_cell_of_the_table_stays_one_cell() {
    let mut shapes = shapes();
    shapes["Name"]["pattern"] = json!("a|b");
    let text = table(&between(&model(&self::shapes()), &model(&shapes)));
    let expected = "| where | meaning | what |\n| --- | --- | --- |\n\
                    | `Name` | changed input, output | pattern: `[a-z]+` → `a\\|b` |\n";
    assert_eq!(text, expected);
}
