//! Lua scripts, compiled before Envoy sees them by the same LuaJIT that Envoy has.

use mlua::{Lua, LuaOptions, StdLib};

/// Answers every request. Filters before it (health probes) still answer first.
pub(crate) const REFUSE_ALL: &str = "\
function envoy_on_request(handle)
  handle:respond({[':status'] = '500'}, 'a script of this gateway is not valid\\n')
end
";

/// Compiles a script without running it. The error names the line.
pub(crate) fn check(script: &str) -> Result<(), String> {
    let lua = Lua::new_with(StdLib::NONE, LuaOptions::default()).map_err(|error| error.to_string())?;
    let compiled = lua.load(script).set_name("=lua_scripts").into_function();
    compiled.map(drop).map_err(|error| error.to_string().trim_start_matches("syntax error: ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_script_is_told_its_line() {
        assert_eq!(check("function envoy_on_request(h) end"), Ok(()));
        assert_eq!(check(REFUSE_ALL), Ok(()));
        assert!(check("function f(\n  x y\nend").unwrap_err().contains("lua_scripts:2"));
    }
}
