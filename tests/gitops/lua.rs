//! Lua 5.1 with what Argo CD opens of it for scripts in `argocd-cm`: the basic functions, `table` and `package`, `os.time`
//! and `os.date` by `require`; no strings, no files; for one second.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use mlua::serde::SerializeOptions;
use mlua::{HookTriggers, Lua, LuaOptions, LuaSerdeExt, StdLib, Table, VmState};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(1);

/// Runs a script on an object, which it has as `obj`; returns its table.
pub fn evaluate(script: &str, object: &Value) -> Result<Value, String> {
    run(script, object).map_err(|error| error.to_string())
}

fn run(script: &str, object: &Value) -> mlua::Result<Value> {
    let lua = Lua::new_with(StdLib::TABLE | StdLib::PACKAGE, LuaOptions::default())?;
    provide_time(&lua)?;
    // Argo CD omits what is null, and distinguishes lists and maps only by their keys.
    let options = SerializeOptions::new()
        .set_array_metatable(false)
        .serialize_none_to_null(false)
        .serialize_unit_to_null(false);
    lua.globals().set("obj", lua.to_value_with(object, options)?)?;
    let started = Instant::now();
    lua.set_hook(HookTriggers::new().every_nth_instruction(1000), move |_, _| {
        if started.elapsed() < LIMIT {
            return Ok(VmState::Continue);
        }
        Err(mlua::Error::runtime("the script ran longer than a second"))
    })?;
    let answer: Table = lua.load(script).eval()?;
    lua.from_value(mlua::Value::Table(answer))
}

fn provide_time(lua: &Lua) -> mlua::Result<()> {
    let date = lua.create_function(|_, format: String| {
        let format = format.trim_start_matches('!').replace("%X", "%H:%M:%S");
        Ok(Timestamp::now().strftime(&format).to_string())
    })?;
    let time = lua.create_function(|_, ()| Ok(Timestamp::now().as_second()))?;
    let loader = lua.create_function(move |lua, ()| {
        let module = lua.create_table()?;
        module.set("date", &date)?;
        module.set("time", &time)?;
        Ok(module)
    })?;
    let package: Table = lua.globals().get("package")?;
    package.get::<Table>("preload")?.set("os", loader)
}
