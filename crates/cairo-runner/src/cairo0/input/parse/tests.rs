#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::super::syntax::Operation;
use super::*;

fn one(code: &str) -> Action {
    let mut statements = parse(code).unwrap_or_else(|refusal| panic!("{code}: {refusal:?}"));
    assert_eq!(statements.len(), 1, "{code}");
    statements.remove(0).what
}

fn input(keys: &[&str]) -> Value {
    keys.iter().fold(Value::Input, |of, key| Value::Field(Box::new(of), (*key).to_owned()))
}

fn ids(path: &str) -> Vec<String> {
    path.split('.').map(ToOwned::to_owned).collect()
}

#[test]
fn plain_reads() {
    for code in [
        "ids.n = program_input[\"n\"]",
        "  ids.n=program_input['n'] ",
        "\nids.n  =  program_input [ \"n\" ]  # it\n",
        "ids.n = int(program_input['n'])",
        "ids.n = int(program_input['n'], 16)",
        "ids.n = (program_input['n'])",
    ] {
        let expected = Action::Assign { targets: vec![Target::Ids(ids("n"))], value: input(&["n"]) };
        assert_eq!(one(code), expected, "{code}");
    }
    let nested = Action::Assign { targets: vec![Target::Ids(ids("p.x"))], value: input(&["a", "b"]) };
    assert_eq!(one("ids.p.x = program_input['a'][\"b\"]"), nested);
}

/// What `nondet` compiles to.
#[test]
fn registers_and_what_they_are_moved_by() {
    let ap = Action::Assign { targets: vec![Target::Memory(Value::Ap)], value: input(&["x"]) };
    assert_eq!(one("memory[ap] = to_felt_or_relocatable(program_input['x'])"), ap);
    assert_eq!(one("memory[ap] = program_input['x']"), ap);
    let address = Value::Operation(Box::new(Value::Fp), Operation::Add, Box::new(Value::Number(12.into())));
    let fp = Action::Assign { targets: vec![Target::Memory(address)], value: input(&["x"]) };
    assert_eq!(one("memory[fp + 12] = to_felt_or_relocatable(program_input['x'])"), fp);
}

#[test]
fn lists_and_loops() {
    let code = "
        # The list.
        data = program_input['data']
        ids.data = base = segments.add()
        for i, value in enumerate(data):
            memory[base + 2 * i] = value
            print(f'{i}')
        for i in range(1, len(data)): memory[base - i] = 0
        for row in data:
            for x in row:
                ids.x = x
        segments.write_arg(ids.data.address_, [int(x, 16) for x in data])
        assert len(data) == 2 * (ids.n + 1), 'Wrong length.'
        assert ids.n <= 0x10, f'{ids.n}'";
    let statements = parse(code).unwrap();
    assert_eq!(statements.iter().map(|statement| statement.line).collect::<Vec<_>>(), [3, 4, 5, 8, 9, 12, 13, 14]);
    assert!(
        matches!(&statements[2].what, Action::For { index: Some(i), item: Some(_), body, .. } if i == "i" && body.len() == 2)
    );
    assert!(matches!(&statements[3].what, Action::Range { body, .. } if body.len() == 1));
    assert!(matches!(&statements[4].what, Action::For { index: None, body, .. } if body.len() == 1));
    let list = Value::Name("data".to_owned());
    assert_eq!(statements[5].what, Action::WriteArg { at: Value::Ids(ids("data.address_")), list });
}

#[test]
fn scopes_dictionaries_and_prints() {
    let names = vec![("path".to_owned(), input(&["path"])), ("n".to_owned(), Value::Number(1.into()))];
    let scope = Action::EnterScope { names };
    assert_eq!(one("vm_enter_scope(dict(path=program_input['path'], n=1))"), scope);
    assert_eq!(one("vm_enter_scope({'path': program_input['path'], 'n': 1,})"), scope);
    assert_eq!(one("vm_enter_scope()"), Action::EnterScope { names: Vec::new() });
    assert!(matches!(one("initial_dict = {1: 2, 3: 4, 5: 6}"), Action::InitialDict { entries } if entries.len() == 3));
    for code in [
        "print('a', ids.x)",
        "print(f\"{ids.x + 1} {(2, 3)}\")",
        "print(\n  memory[ap],\n  end='')",
        "print(exec('1'))",
    ] {
        assert_eq!(one(code), Action::Print, "{code}");
    }
    assert_eq!(parse("# nothing"), Ok(Vec::new()));
    assert_eq!(parse(""), Ok(Vec::new()));
}

#[test]
fn python_is_refused_with_its_line() {
    for code in [
        "import os",
        "ids.n = program_input[\"n']",
        "ids.n = program_input[\"\"]",
        "ids.n = program_input['a\\x41']",
        "ids.n = program_input[\"n\"]; import os",
        "ids.n = open('/etc/passwd').read()",
        "ids.n = exec('1')",
        "ids.n = program_input['n'].items()",
        "ids.n = program_input.get('n')",
        "ids.n = program_input['n'] if 1 else 2",
        "ids.n = program_input['n'] / 2",
        "ids.n = program_input['n'] ** 9999",
        "ids.n = 5 % 3",
        "ids.n = [x + 1 for x in program_input['n']]",
        "ids.n = [y for x in program_input['n']]",
        "ids.n = lambda: 5",
        "lambda = 5",
        "__builtins__ = 5",
        "len = 5",
        "ids.n, ids.m = program_input['n']",
        "ids.n += program_input['n']",
        "for i in range(5):",
        "for x in program_input['n']:\n    import os",
        "for a, b in program_input['n']:\n    ids.n = a",
        "  ids.n = 1\nids.m = 2",
        "ids.n = 1\n  ids.m = 2",
        "if 1:\n    ids.n = 1",
        "while True:\n    ids.n = 1",
        "skip_next_instruction()",
        "print('a'",
        "print = 5",
        "print('a').x",
        "assert f(x)",
        "assert 1 < 2 < 3",
        "segments.write_arg(ids.x)",
        "segments.add_temp_segment()",
        "vm_enter_scope(ids.x)",
        "vm_exit_scope()",
        "memory[ap]",
        "5 = ids.x",
        "ids = 5",
        "ids.x",
        "program_input = 5",
        "ids.x = -1",
        "ids.x = 1.5",
        "ids.x = 'text'",
        "@ids.x = 5",
        "ids.x := 5",
    ] {
        assert!(parse(code).is_err(), "{code}: {:?}", parse(code));
    }
    let refusal = parse("ids.n = program_input['n']\n\nimport os").unwrap_err();
    assert_eq!((refusal.line, refusal.reason), (3, UNREADABLE));
}

/// Whatever stands there, nothing takes long or goes deep.
#[test]
fn nesting_and_length_are_bounded() {
    for code in [
        format!("ids.n = {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("ids.n = program_input{}", "[".repeat(100_000)),
        "ids.n = 1\n".repeat(MAX_LINES + 1),
        (0..100).map(|depth| format!("{}for i in range(2):\n", " ".repeat(depth))).collect::<String>(),
        format!("ids.n = {}", "9".repeat(100_000)),
    ] {
        assert!(parse(&code).is_err());
    }
    assert!(parse(&format!("ids.n = 1{}", " + 1".repeat(200))).is_ok());
    assert!(parse(&format!("ids.n = 1{}", " + 1".repeat(100_000))).is_err());
    assert!(parse(&format!("ids.n = program_input{}", "['a']".repeat(100_000))).is_err());
    assert!(parse(&format!("print({}", "(".repeat(100_000))).is_err());
}
