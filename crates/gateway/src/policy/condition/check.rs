//! What is checked of a condition before it is ever evaluated.

use cel::Env;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};
use cel::parser::Parser;

use super::ConditionError;
use super::pattern::Pattern;
use super::vocabulary::{FUNCTIONS, HINTS, OPERATORS, TYPES, known};

/// The longest text, in bytes.
const MAXIMUM_LENGTH: usize = 4096;
/// How many parts may stand inside of each other. They are evaluated on the stack.
const MAXIMUM_DEPTH: usize = 48;
/// The parser finds out how deep a text is only by going there.
const PARSER_STACK: usize = 64 << 20;

/// A checked condition, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) root: IdedExpr,
    pub(super) patterns: Vec<Pattern>,
    pub(super) uses: Uses,
}

/// What a condition looks at.
#[derive(Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one boolean for each variable")]
pub(in crate::policy) struct Uses {
    pub(in crate::policy) client: bool,
    pub(in crate::policy) tool: bool,
    pub(in crate::policy) annotations: bool,
    pub(in crate::policy) prompt: bool,
    pub(in crate::policy) resource: bool,
    /// `roles` or `groups`.
    pub(in crate::policy) memberships: bool,
    pub(in crate::policy) arguments: Option<Looked>,
    /// Whether it has a loop.
    pub(in crate::policy) loops: bool,
}

/// Which arguments a condition looks at.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) enum Looked {
    /// These.
    At(Vec<String>),
    /// Any.
    AtAll,
}

impl Uses {
    fn argument(&mut self, name: &str) {
        match self.arguments.get_or_insert_with(|| Looked::At(Vec::new())) {
            Looked::At(names) if !names.iter().any(|known| known == name) => names.push(name.to_owned()),
            _ => {}
        }
    }
}

/// Reads and checks a condition, on a stack that is large enough for whatever it turns out to be.
pub(super) fn compile(environment: &Env, source: &str) -> Result<Expression, ConditionError> {
    let failed = || ConditionError { line: 0, message: "the condition cannot be read".to_owned() };
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(PARSER_STACK);
        let reader = reader.spawn_scoped(scope, || read(environment, source)).map_err(|_| failed())?;
        reader.join().unwrap_or_else(|_| Err(failed()))
    })
}

fn read(environment: &Env, source: &str) -> Result<Expression, ConditionError> {
    if source.len() > MAXIMUM_LENGTH {
        let message = format!("a condition has at most {MAXIMUM_LENGTH} bytes");
        return Err(ConditionError { line: 0, message });
    }
    let parser: Parser = environment.parser();
    let (mut root, source_info) = parser.parse_with_source_info(source).map_err(|errors| {
        let first = errors.errors.first();
        let line = first.and_then(|error| usize::try_from(error.pos.0 - 1).ok()).unwrap_or_default();
        let message = first.map_or("unreadable", |error| &error.msg);
        ConditionError { line, message: format!("the condition cannot be read: {message}") }
    })?;
    let mut check =
        Check { depth: 0, bound: Vec::new(), body_of: 0, patterns: Vec::new(), uses: Uses::default() };
    let checked = if is_no_condition(&root.expr) {
        Err(Fault { id: root.id, message: "the condition is neither true nor false".to_owned() })
    } else {
        check.expression(&mut root)
    };
    checked
        .map_err(|fault| ConditionError { line: line_of(&source_info, fault.id), message: fault.message })?;
    Ok(Expression { root, patterns: check.patterns, uses: check.uses })
}

fn is_no_condition(root: &Expr) -> bool {
    match root {
        Expr::Literal(literal) => !matches!(literal, LiteralValue::Boolean(_)),
        Expr::List(_) | Expr::Map(_) | Expr::Ident(_) => true,
        Expr::Call(call) => matches!(&*call.func_name, "_-_" | "_+_" | "_*_" | "_/_" | "_%_" | "-_" | "size"),
        _ => false,
    }
}

fn line_of(source_info: &SourceInfo, id: u64) -> usize {
    let offset = source_info.offset_for(id).and_then(|(start, _)| usize::try_from(start).ok());
    let before = source_info.source.chars().take(offset.unwrap_or_default());
    before.filter(|character| *character == '\n').count()
}

/// What is wrong, and with which part.
struct Fault {
    id: u64,
    message: String,
}

struct Check {
    depth: usize,
    /// The variables of the loops around.
    bound: Vec<String>,
    /// In how many bodies of loops this is.
    body_of: usize,
    patterns: Vec<Pattern>,
    uses: Uses,
}

impl Check {
    fn expression(&mut self, part: &mut IdedExpr) -> Result<(), Fault> {
        if self.depth == MAXIMUM_DEPTH {
            return Err(Fault { id: part.id, message: "the condition is nested too deeply".to_owned() });
        }
        self.depth += 1;
        let checked = self.part(part);
        self.depth -= 1;
        checked
    }

    fn part(&mut self, part: &mut IdedExpr) -> Result<(), Fault> {
        let id = part.id;
        match &mut part.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.variable(name).map_err(|message| Fault { id, message }),
            Expr::Select(select) => {
                let member = self.member(&select.operand.expr, &select.field);
                match member.map_err(|message| Fault { id, message })? {
                    None => return self.expression(&mut select.operand),
                    // A presence test looks at the owner.
                    Some(_) if select.test => {}
                    Some(variable) => part.expr = Expr::Ident(variable),
                }
                Ok(())
            }
            Expr::Call(call) => self.call(id, call),
            Expr::Comprehension(comprehension) => self.comprehension(id, comprehension),
            Expr::List(list) => list.elements.iter_mut().try_for_each(|element| self.expression(element)),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.expression(&mut entry.key)?;
                    self.expression(&mut entry.value)
                }
                EntryExpr::StructField(_) => {
                    Err(Fault { id, message: "a map is written {key: value}".to_owned() })
                }
            }),
            Expr::Struct(_) | Expr::Unspecified => {
                Err(Fault { id, message: "messages have no place in a condition".to_owned() })
            }
        }
    }

    fn variable(&mut self, name: &str) -> Result<(), String> {
        if name.starts_with('@') || TYPES.contains(&name) || self.bound.iter().any(|bound| bound == name) {
            return Ok(());
        }
        match name {
            "user" => self.uses.memberships = true,
            "tool" => (self.uses.tool, self.uses.annotations) = (true, true),
            "prompt" => self.uses.prompt = true,
            "resource" => self.uses.resource = true,
            "arguments" => self.uses.arguments = Some(Looked::AtAll),
            "client" => self.uses.client = true,
            "server" | "now" => {}
            unknown => {
                return Err(format!(
                    "there is no variable {unknown:?}; there are user, client, server, tool, prompt, resource, \
                     arguments and now"
                ));
            }
        }
        Ok(())
    }

    /// `owner.field` of one of our variables, as a variable of its own, which is found at once; `None` when it is
    /// something else. It ends with a sign that no member has, so that no further members can be taken for a part of it.
    fn member(&mut self, owner: &Expr, field: &str) -> Result<Option<String>, String> {
        if let Expr::Select(outer) = owner
            && matches!(&outer.operand.expr, Expr::Ident(root) if root == "tool" && !self.bound.contains(root))
            && outer.field == "annotations"
        {
            (self.uses.tool, self.uses.annotations) = (true, true);
            return known("tool.annotations", field, &HINTS).map(|()| Some(format!("@{field};")));
        }
        let Expr::Ident(root) = owner else { return Ok(None) };
        if self.bound.contains(root) {
            return Ok(None);
        }
        match &**root {
            "user" => {
                self.uses.memberships |= matches!(field, "roles" | "groups");
                known("user", field, &["name", "subject", "issuer", "roles", "groups"])?;
            }
            "client" => {
                self.uses.client = true;
                known("client", field, &["id"])?;
            }
            "tool" => {
                self.uses.tool = true;
                self.uses.annotations |= field == "annotations";
                known("tool", field, &["name", "annotations"])?;
            }
            "prompt" => {
                self.uses.prompt = true;
                known("prompt", field, &["name"])?;
            }
            "resource" => {
                self.uses.resource = true;
                known("resource", field, &["uri"])?;
            }
            "arguments" => self.uses.argument(field),
            "server" | "now" => return Err(format!("{root} has no members")),
            _ => return Ok(None),
        }
        Ok(Some(format!("@{root}.{field};")))
    }

    fn call(&mut self, id: u64, call: &mut CallExpr) -> Result<(), Fault> {
        let name = &*call.func_name;
        if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
            return Err(Fault { id, message: format!("there is no function {name:?}") });
        }
        if name == "matches" {
            self.pattern(id, call)?;
        }
        if let ("_[_]", [owner, index]) = (&*call.func_name, &mut call.args[..])
            && let Expr::Literal(LiteralValue::String(field)) = &index.expr
            && self.member(&owner.expr, field.inner()).map_err(|message| Fault { id, message })?.is_some()
        {
            return Ok(());
        }
        if let Some(target) = &mut call.target {
            self.expression(target)?;
        }
        call.args.iter_mut().try_for_each(|argument| self.expression(argument))
    }

    /// A pattern is made once, here, and the call gets a variable that stands for it.
    fn pattern(&mut self, id: u64, call: &mut CallExpr) -> Result<(), Fault> {
        let fault = |message: String| Fault { id, message };
        let Some(Expr::Literal(LiteralValue::String(text))) = call.args.last().map(|last| &last.expr) else {
            return Err(fault("the pattern of matches() stands in the condition, as a text".to_owned()));
        };
        let pattern = Pattern::new(text.inner()).map_err(fault)?;
        let name = Pattern::variable(self.patterns.len());
        self.patterns.push(pattern);
        if let Some(last) = call.args.last_mut() {
            last.expr = Expr::Ident(name);
        }
        Ok(())
    }

    fn comprehension(&mut self, id: u64, loop_: &mut ComprehensionExpr) -> Result<(), Fault> {
        self.uses.loops = true;
        if self.body_of > 0 && self.is_from_outside(&loop_.iter_range) {
            let message = "a loop over arguments inside of a loop takes too long: write two conditions";
            return Err(Fault { id, message: message.to_owned() });
        }
        self.expression(&mut loop_.iter_range)?;
        self.expression(&mut loop_.accu_init)?;
        let bound = self.bound.len();
        self.bound.push(loop_.iter_var.clone());
        self.bound.extend(loop_.iter_var2.clone());
        self.body_of += 1;
        self.expression(&mut loop_.loop_cond)?;
        self.expression(&mut loop_.loop_step)?;
        self.body_of -= 1;
        self.expression(&mut loop_.result)?;
        self.bound.truncate(bound);
        Ok(())
    }

    /// Whether a caller decides how many there are: everything but a list that is written down and what the token says.
    fn is_from_outside(&self, range: &IdedExpr) -> bool {
        match &range.expr {
            Expr::List(list) => list.elements.len() > 64,
            Expr::Select(select) => {
                !matches!(&select.operand.expr, Expr::Ident(root) if root == "user" && !self.bound.contains(root))
            }
            _ => true,
        }
    }
}
