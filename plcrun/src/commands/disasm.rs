//! `plcrun disasm`: the code of a program or image as text: that of the image, the machine's, or the stages before it.

use crate::args::DisasmArgs;
use crate::exit::{Exit, Refusal};
use crate::project::{self, Input};
use crate::terminal::Console;
use std::path::PathBuf;

/// Compiles or loads, and lists.
///
/// # Errors
/// The sources have errors, the image is damaged, or a file cannot be read.
pub fn run(args: &DisasmArgs, console: &Console) -> Result<Exit, Refusal> {
    if args.ir {
        console.print(&intermediate(&args.files, console)?)?;
        return Ok(Exit::Clean);
    }
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

/// The intermediate code of every unit, stage by stage.
fn intermediate(files: &[PathBuf], console: &Console) -> Result<String, Refusal> {
    let (map, ids) = match project::read(files)? {
        Input::Sources { map, ids } => (map, ids),
        Input::Image { path, .. } => {
            return Err(Refusal::wrong_use(
                format!("{} is an image: its intermediate code was not kept", path.display()),
                "name the source files, or leave `--ir` out",
            ));
        }
    };
    let compiled = compiler::compile(&map, &ids, compiler::Options::default());
    project::tell(&map, &compiled.diagnostics, console);
    if compiled.image.is_none() {
        return Err(Refusal::findings(project::count(&compiled.diagnostics), "mend the errors above first"));
    }
    compiler::listing::stages(&map, &compiled.program).map_err(|finding| {
        project::tell(&map, std::slice::from_ref(&finding), console);
        Refusal::findings(project::count(std::slice::from_ref(&finding)), String::new())
    })
}
