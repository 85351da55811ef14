//! Which programs run, and when: CONFIGURATION, RESOURCE, TASK, PROGRAM WITH; or one program without all that.

use super::Sema;
use crate::ast;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Instance, PouId, PouKind, Task};
use crate::map::HashMap;
use crate::types::Ty;
use bytecode::near::nearest;
use bytecode::types::Retention;
use smol_str::SmolStr;

/// The task of programs that name none: after all others, in the interval given at start.
const BACKGROUND_PRIORITY: u32 = u32::MAX;

impl<'a> Sema<'a> {
    /// Fills instances and tasks.
    pub(super) fn configure(&mut self, files: &'a [ast::File]) {
        let configurations: Vec<&'a ast::Configuration> = files
            .iter()
            .flat_map(|f| &f.items)
            .filter_map(|item| match item {
                ast::Item::Configuration(c) => Some(c),
                ast::Item::Pou(_) | ast::Item::Globals(_) | ast::Item::Types(_) => None,
            })
            .collect();
        match configurations.as_slice() {
            [] => self.run_the_program(files),
            [one] => self.configuration(one),
            [first, second, ..] => {
                let diagnostic = Diagnostic::new(Code::NoProgram, second.name.span, "a project has one CONFIGURATION");
                self.report(diagnostic.also(first.name.span, "the first one"));
            }
        }
    }

    /// A project without a configuration: its one program, in the interval given at start.
    fn run_the_program(&mut self, files: &'a [ast::File]) {
        let programs = self.programs();
        match programs.as_slice() {
            [only] => {
                let name = self.program.pous[*only].name.clone();
                self.program.name.clone_from(&name);
                self.program.instances.push(Instance {
                    name: name.clone(),
                    pou: *only,
                    retention: Retention::Unstated,
                });
                self.program.tasks.push(Task { name, interval_ns: 0, priority: 0, programs: vec![0] });
            }
            [] => {
                let file = files.first().map_or_else(Default::default, |f| f.file);
                let span = crate::source::Span::new(file, 0, 0);
                let diagnostic = Diagnostic::new(Code::NoProgram, span, "there is no PROGRAM to run");
                self.report(diagnostic.help("a project has at least one PROGRAM ... END_PROGRAM"));
            }
            [first, second, ..] => {
                let (first, second) = (self.program.pous[*first].span, self.program.pous[*second].span);
                let diagnostic =
                    Diagnostic::new(Code::NoProgram, second, "several programs, and nothing says which run");
                self.report(
                    diagnostic
                        .also(first, "another program")
                        .help("write a CONFIGURATION with a TASK and `PROGRAM name WITH task : Type;` for each"),
                );
            }
        }
    }

    fn configuration(&mut self, configuration: &'a ast::Configuration) {
        self.program.name = configuration.name.text.to_string();
        let mut tasks: HashMap<SmolStr, usize> = HashMap::default();
        for resource in &configuration.resources {
            for task in &resource.tasks {
                self.task(task, &mut tasks);
            }
        }
        let mut names: HashMap<SmolStr, ast::Ident> = HashMap::default();
        for program in configuration.resources.iter().flat_map(|r| &r.programs) {
            if let Some(first) = names.insert(program.name.key(), program.name.clone()) {
                let message = format!("`{}` is declared twice", program.name.text);
                let diagnostic = Diagnostic::new(Code::DuplicateName, program.name.span, message);
                self.report(diagnostic.also(first.span, "first here"));
                continue;
            }
            self.program_instance(program, &mut tasks);
        }
        if self.program.instances.is_empty() && self.diagnostics.iter().all(|d| !d.is_error()) {
            let diagnostic = Diagnostic::new(Code::NoProgram, configuration.name.span, "no program is started");
            self.report(diagnostic.help("write `PROGRAM name WITH task : Type;`"));
        }
    }

    fn task(&mut self, task: &'a ast::Task, tasks: &mut HashMap<SmolStr, usize>) {
        let mut result = Task { name: task.name.text.to_string(), interval_ns: 0, priority: 0, programs: Vec::new() };
        let mut has_interval = false;
        for property in &task.properties {
            match property.name.key().as_str() {
                "INTERVAL" => {
                    has_interval = true;
                    let value = self.constant_expr(&property.value, None, Some(Ty::TIME));
                    let interval = value.constant().map(u64::cast_signed).filter(|ns| *ns > 0);
                    match interval.and_then(|ns| u64::try_from(ns).ok()) {
                        Some(ns) if ns <= bytecode::verify::MAX_INTERVAL_NS => result.interval_ns = ns,
                        Some(_) => self.property(property, "the interval is at most one hour", "for example T#10ms"),
                        None if value.ty.is_error() => {}
                        None => self.property(property, "the interval is greater than 0", "for example T#10ms"),
                    }
                }
                "PRIORITY" => match self.constant_int(&property.value, None).map(u32::try_from) {
                    Some(Ok(priority)) => result.priority = priority,
                    Some(Err(_)) => self.property(property, "the priority is 0 or more", "0 is the most urgent"),
                    None => {}
                },
                "SINGLE" => {
                    let help = "give the task an INTERVAL and ask for the event in the program";
                    self.property(property, "tasks started by an event (SINGLE) come in a later version", help);
                    has_interval = true;
                }
                _ => self.property(property, "a task has no such property", "it has INTERVAL and PRIORITY"),
            }
        }
        if !has_interval {
            let diagnostic = Diagnostic::new(Code::TaskProperty, task.name.span, "the task has no INTERVAL");
            self.report(diagnostic.help("for example TASK fast(INTERVAL := T#10ms, PRIORITY := 0);"));
        }
        if let Some(first) = tasks.insert(task.name.key(), self.program.tasks.len()) {
            let message = format!("two tasks are named `{}`", task.name.text);
            self.error(Code::DuplicateName, task.name.span, message);
            tasks.insert(task.name.key(), first);
        }
        self.program.tasks.push(result);
    }

    fn property(&mut self, property: &ast::TaskProperty, message: &str, help: &str) {
        self.report(Diagnostic::new(Code::TaskProperty, property.name.span, message).help(help));
    }

    fn program_instance(&mut self, program: &'a ast::ProgramInstance, tasks: &mut HashMap<SmolStr, usize>) {
        let task = match &program.task {
            None => Some(self.background_task(tasks)),
            Some(name) => {
                let found = tasks.get(&name.key()).copied();
                if found.is_none() {
                    let mut diagnostic =
                        Diagnostic::new(Code::UnknownName, name.span, format!("there is no task `{}`", name.text));
                    if let Some(near) = nearest(&name.text, self.program.tasks.iter().map(|t| t.name.as_str())) {
                        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                    }
                    self.report(diagnostic);
                }
                found
            }
        };
        if let Some(argument) = program.arguments.first() {
            let message = "connections of a program in its configuration come in a later version";
            let diagnostic = Diagnostic::new(Code::TaskProperty, argument.span, message);
            self.report(diagnostic.help("connect programs through VAR_GLOBAL"));
        }
        let Some(pou) = self.program_type(&program.program) else { return };
        let retention = program.retention.map_or(Retention::Unstated, |(stated, _)| stated);
        let index = u32::try_from(self.program.instances.len()).unwrap_or(u32::MAX);
        self.program.instances.push(Instance { name: program.name.text.to_string(), pou, retention });
        if let Some(task) = task.and_then(|t| self.program.tasks.get_mut(t)) {
            task.programs.push(index);
        }
    }

    fn background_task(&mut self, tasks: &mut HashMap<SmolStr, usize>) -> usize {
        // A name no identifier can have.
        *tasks.entry("#background".into()).or_insert_with(|| {
            let task = Task {
                name: "background".to_owned(),
                interval_ns: 0,
                priority: BACKGROUND_PRIORITY,
                programs: Vec::new(),
            };
            self.program.tasks.push(task);
            self.program.tasks.len() - 1
        })
    }

    fn program_type(&mut self, name: &ast::Ident) -> Option<PouId> {
        let found = self.names.get(&name.key()).copied();
        match found {
            Some(pou) if self.program.pous[pou].kind == PouKind::Program => Some(pou),
            Some(pou) => {
                let word = super::declare::kind_word(self.program.pous[pou].kind);
                let message = format!("`{}` is a {word}, not a program", name.text);
                self.error(Code::NotCallable, name.span, message);
                None
            }
            None => {
                let names: Vec<String> =
                    self.programs().into_iter().map(|p| self.program.pous[p].name.clone()).collect();
                let message = format!("there is no program `{}`", name.text);
                let mut diagnostic = Diagnostic::new(Code::UnknownName, name.span, message);
                if let Some(near) = nearest(&name.text, names.iter().map(String::as_str)) {
                    diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                }
                self.report(diagnostic);
                None
            }
        }
    }
}
