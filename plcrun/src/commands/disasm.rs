//! `plcrun disasm`: the code of a program or image as text.

use crate::args::DisasmArgs;
use crate::exit::{Exit, Refusal};
use crate::project;
use crate::terminal::Console;

/// Compiles or loads, and lists.
///
/// # Errors
/// The sources have errors, the image is damaged, or a file cannot be read.
pub fn run(args: &DisasmArgs, console: &Console) -> Result<Exit, Refusal> {
    let project = project::load(&args.files, console)?;
    let text = if args.native {
        runtime::vm::native_listing(&project.image)
            .map_err(|why| Refusal::findings(format!("there is no native code: {why}"), "leave `--native` out"))?
    } else {
        bytecode::disasm::disassemble(project.image.image())
    };
    console.print(&text)?;
    Ok(Exit::Clean)
}
