//! What users read first, by the logs that programs leave.

use super::*;
use proptest::prelude::*;

fn said(text: &str) -> String {
    fault(text).unwrap_or_default()
}

#[test]
fn a_terminal_shows_no_escape_sequences() {
    let table = [
        ("\x1b[31mred\x1b[0m\n", "red"),
        ("\x1b[38;2;255;0;0mtrue\x1b[m colour", "true colour"),
        ("\x1b[38:5:196mcolons\x1b[0m", "colons"),
        ("\x1b[?25lhidden cursor\x1b[?25h", "hidden cursor"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://x.y/z\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bplain\x1b)0", "plain"),
        ("\x1b#8\x1b7saved\x1b8\x1b=", "saved"),
        ("\x1bP1$r0m\x1b\\device", "device"),
        ("\u{9b}31mC1\u{9b}0m", "C1"),
        ("\x1b_command\x1b\\application", "application"),
        ("\x1b]never ended\nnext", "next"),
        ("cut \x1b[3", "cut"),
        ("cut \x1b", "cut"),
        ("a\x08b\x07\x00c\x7f", "bc"),
        ("a\tb", "a b"),
        ("\u{202e}txt.exe", "txt.exe"),
        ("10%\r20%\rdone\n", "done"),
        ("10%\r\x1b[Kdone\n", "done"),
        ("old line\r\n", "old line"),
        ("10%\x08\x08\x0820%\x08\x08\x08done", "done"),
        ("1/10 [=>..]\x08\x08\x08\x08\n", "1/10 [=>..]"),
        ("longer\x08\x08\x08\x08\x08\x08no\x1b[K", "no"),
        ("progress 99%\r\x1b[2K\n", ""),
        ("progress 99%\r", "progress 99%"),
        ("\x1b[0m\n", ""),
    ];
    for (text, shown) in table {
        let lines: Vec<String> = lines(text).iter().map(|line| line.trim().to_owned()).collect();
        assert_eq!(lines.join(" ").trim(), shown, "{text:?}");
    }
}

#[test]
fn the_last_line_is_not_what_says_nothing() {
    let table = [
        ("first\nlast\n\n", "last"),
        ("ERROR: no rows\n\x1b[0m", "ERROR: no rows"),
        ("no rows\n====\n", "no rows"),
        ("no rows\n 45%\n100.0 %\n", "no rows"),
        ("no rows\nWARNING: a newer version is there\n", "no rows"),
        (
            "no rows\n/a.py:3: UserWarning: leaked\n  warnings.warn('leaked')\n",
            "no rows",
        ),
        (
            "sys:1: ResourceWarning: unclosed file\nno rows\nsys:1: ResourceWarning: unclosed file\n",
            "no rows",
        ),
        (
            "no rows\n 50%|█████     | 5/10 [00:00<00:00, 9.1it/s]\r100%|██████████| 10/10 [00:01<00:00]",
            "no rows",
        ),
        (
            "\r 10%|█  | 1/10\r 20%|██ | 2/10 [00:00]ValueError: no rows",
            " 20%|██ | 2/10 [00:00]ValueError: no rows",
        ),
        (
            "ERROR: No matching distribution found for foo==9\nWARNING: You are using pip 20\n[notice] A new release\n",
            "ERROR: No matching distribution found for foo==9",
        ),
        (
            "x.c:3:5: error: 'y' undeclared\ncompilation terminated.\nmake: *** [Makefile:3: x] Error 1\n",
            "x.c:3:5: error: 'y' undeclared",
        ),
        ("ERROR no rows\nINFO shutting down\n", "ERROR no rows"),
        (
            "2026-01-01 10:00:00,000 - train - ERROR - no rows\n2026-01-01 10:00:00,001 - train - INFO - bye\n",
            "2026-01-01 10:00:00,000 - train - ERROR - no rows",
        ),
        ("INFO a\nINFO b\n", "INFO b"),
        (
            "PHP Fatal error:  Uncaught Exception: boom in /x.php:3\nStack trace:\n#0 {main}\n  thrown in /x.php on line 3\n",
            "PHP Fatal error:  Uncaught Exception: boom in /x.php:3",
        ),
        (
            "/train.sh: line 3: foo: command not found\n",
            "/train.sh: line 3: foo: command not found",
        ),
        (
            "bash: line 1:    12 Segmentation fault      (core dumped) python x.py\n",
            "bash: line 1:    12 Segmentation fault      (core dumped) python x.py",
        ),
        ("WARNING: only this\n", "WARNING: only this"),
        (
            "RuntimeError: CUDA error: out of memory\n",
            "RuntimeError: CUDA error: out of memory",
        ),
        ("\n \n", ""),
    ];
    for (text, line) in table {
        assert_eq!(said(text), line.trim(), "{text:?}");
    }
}

const TRACEBACK: &str = "Traceback (most recent call last):\n  File \"/app/train.py\", line 9, in <module>\n    fit(rows)\n    ~~~^^^^^^\n  File \"/app/train.py\", line 4, in fit\n    raise ValueError(text)\n";

#[test]
fn python_says_its_exception() {
    let table = [
        (format!("{TRACEBACK}ValueError: no column 'x'\n"), "ValueError: no column 'x'"),
        (format!("{TRACEBACK}ValueError: no column 'x'\nknown are:\n  a\n  b\nend of the list\n"), "ValueError: no column 'x'"),
        (format!("{TRACEBACK}ValueError: \nAll the 5 fits failed.\nIt is very likely that\n"), "ValueError: All the 5 fits failed."),
        (format!("{TRACEBACK}KeyError\n"), "KeyError"),
        (format!("{TRACEBACK}ValueError: x\nA note: look there\n"), "ValueError: x"),
        (format!("{TRACEBACK}ValueError: x\nsys:1: ResourceWarning: unclosed\n"), "ValueError: x"),
        (format!("{TRACEBACK}KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n{TRACEBACK}pkg.mod.MyError: b\nmore\n"), "pkg.mod.MyError: b"),
        (format!("{TRACEBACK}KeyError: 'a'\n\nThe above exception was the direct cause of the following exception:\n\n{TRACEBACK}RuntimeError: c\n"), "RuntimeError: c"),
        (format!(" 50%|█████     | 5/10 [00:00<00:00]{TRACEBACK}ValueError: x\n"), "ValueError: x"),
        (format!("{TRACEBACK}ValueError: x\n100%|██████████| 10/10 [00:01<00:00]\n"), "ValueError: x"),
        (format!("{TRACEBACK}ValueError: x\nException ignored in: <function A.__del__ at 0x7f>\n{TRACEBACK}AttributeError: gone\n"), "ValueError: x"),
        ("error: no rows\nException ignored in: <_io.TextIOWrapper>\nBrokenPipeError: [Errno 32] Broken pipe\n".to_owned(), "error: no rows"),
        (format!("{TRACEBACK}ValueError: main\nException in thread Thread-1 (f):\n{TRACEBACK}OSError: aside\n"), "ValueError: main"),
        (format!("Exception in thread Thread-1 (f):\n{TRACEBACK}OSError: only\n"), "OSError: only"),
        (format!("ERROR:root:no cache\n{TRACEBACK}OSError: cache\nINFO:root:training without it\nno rows\n"), "no rows"),
        ("  File \"/app/a.py\", line 3\n    f(\n     ^\nSyntaxError: '(' was never closed\n".to_owned(), "SyntaxError: '(' was never closed"),
        ("[rank0]: ".to_owned() + &TRACEBACK.trim_end().replace('\n', "\n[rank0]: ") + "\n[rank0]: ValueError: x\n[rank0]: more\n", "ValueError: x"),
        (format!("{TRACEBACK}ValueError: Caught ValueError in DataLoader worker process 0.\nOriginal {TRACEBACK}ValueError: boom\n"), "ValueError: Caught ValueError in DataLoader worker process 0. ValueError: boom"),
        (format!("{TRACEBACK}RuntimeError: CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n"), "RuntimeError: CUDA error: device-side assert triggered"),
        (format!("{TRACEBACK}py4j.protocol.Py4JJavaError: An error occurred while calling o42.collect.\n: org.apache.spark.SparkException: Job aborted\n\tat a.b(C.java:1)\nCaused by: java.io.IOException: x\n\tat a.b(C.java:2)\n"), "py4j.protocol.Py4JJavaError: An error occurred while calling o42.collect.: org.apache.spark.SparkException: Job aborted"),
        ("╭──────── Traceback (most recent call last) ────────╮\n│ /app/train.py:3 in fit                            │\n╰───────────────────────────────────────────────────╯\nValueError: boom\nand more\n".to_owned(), "ValueError: boom"),
        ("---------------------------------------------------------------------------\nValueError                                Traceback (most recent call last)\nCell In[1], line 1\n----> 1 raise ValueError('boom')\n\nValueError: boom\n".to_owned(), "ValueError: boom"),
        ("      Traceback (most recent call last):\n        File \"<string>\", line 2, in <module>\n      ModuleNotFoundError: No module named 'x'\n      [end of output]\nerror: metadata-generation-failed\n".to_owned(), "ModuleNotFoundError: No module named 'x'"),
        ("Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call first):\n  File \"/app/train.py\", line 3 in fit\n\nExtension modules: numpy (total: 12)\n".to_owned(), "Fatal Python error: Segmentation fault"),
        (format!("\x1b[1m{}\x1b[0m\x1b[35mValueError\x1b[0m: x\r\nmore\r\n", TRACEBACK.replace('\n', "\r\n")), "ValueError: x"),
    ];
    for (text, line) in table {
        assert_eq!(said(&text), line, "{text}");
    }
}

#[test]
fn a_group_of_exceptions_says_its_first() {
    let group = "  + Exception Group Traceback (most recent call last):\n  |   File \"/app/a.py\", line 3, in <module>\n  |     raise ExceptionGroup('many', both)\n  | ExceptionGroup: many (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    |   File \"/app/a.py\", line 2, in f\n    | ValueError: first\n    +---------------- 2 ----------------\n    | TypeError: second\n    +------------------------------------\n";
    assert_eq!(
        said(group),
        "ExceptionGroup: many (2 sub-exceptions): ValueError: first"
    );
}

#[test]
fn other_runtimes_say_theirs() {
    let table = [
        (
            "thread 'main' panicked at src/main.rs:5:10:\ncalled `Option::unwrap()` on a `None` value\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
            "thread 'main' panicked at src/main.rs:5:10: called `Option::unwrap()` on a `None` value",
        ),
        (
            "thread 'main' panicked at 'boom', src/main.rs:5:10\nnote: run with\n",
            "thread 'main' panicked at 'boom', src/main.rs:5:10",
        ),
        (
            "Error: the settings cannot be read\n\nCaused by:\n    0: opening a.yaml\n    1: No such file or directory (os error 2)\n",
            "Error: the settings cannot be read: No such file or directory (os error 2)",
        ),
        (
            "Exception in thread \"main\" java.lang.RuntimeException: outer\n\tat A.main(A.java:5)\nCaused by: java.lang.IllegalStateException: inner\n\tat A.f(A.java:9)\n\t... 1 more\n",
            "Exception in thread \"main\" java.lang.RuntimeException: outer; caused by java.lang.IllegalStateException: inner",
        ),
        (
            "24/01/01 10:00:00 ERROR Executor: Exception in task 0.0\njava.lang.OutOfMemoryError: Java heap space\n\tat A.f(A.java:9)\n24/01/01 10:00:01 INFO ShutdownHookManager: Shutdown hook called\n",
            "java.lang.OutOfMemoryError: Java heap space",
        ),
        (
            "/app/index.js:3\n    throw new Error('boom');\n    ^\n\nError: boom\nsecond line\n    at Object.<anonymous> (/app/index.js:3:9)\n    at node:internal/main:1:1 {\n  code: 'E'\n}\n\nNode.js v20.0.0\n",
            "Error: boom",
        ),
        (
            "Unhandled exception. System.InvalidOperationException: boom\n   at X.Main() in /x.cs:line 3\n",
            "Unhandled exception. System.InvalidOperationException: boom",
        ),
        (
            "a.rb:1:in `foo': boom (RuntimeError)\n\tfrom a.rb:3:in `<main>'\n",
            "a.rb:1:in `foo': boom (RuntimeError)",
        ),
        (
            "Error in f(x) : object 'y' not found\nCalls: main -> f\nExecution halted\n",
            "Error in f(x) : object 'y' not found",
        ),
        (
            "Error in file(file, \"rt\") : cannot open the connection\nCalls: read.csv -> file\nIn addition: Warning message:\nIn file(file, \"rt\") :\n  cannot open file 'x.csv': No such file or directory\nExecution halted\n",
            "Error in file(file, \"rt\") : cannot open the connection",
        ),
        (
            "Error in library(a_package_with_a_long_name) : \n  there is no package called 'a'\nExecution halted\n",
            "Error in library(a_package_with_a_long_name) : there is no package called 'a'",
        ),
        (
            "Error in `mutate()`:\nℹ In argument: `y = x`.\nCaused by error:\n! object 'x' not found\nBacktrace:\n  1. f()\nExecution halted\n",
            "Error in `mutate()`: object 'x' not found",
        ),
        (
            "terminate called after throwing an instance of 'std::runtime_error'\n  what():  boom\nAborted (core dumped)\n",
            "terminate called after throwing an instance of 'std::runtime_error': boom",
        ),
        (
            "F0101 10:00:00 1 a.cc:3] Check failed: error == cudaSuccess (2 vs. 0) out of memory\n*** Check failure stack trace: ***\n    @     0x7f0  (unknown)\nAborted (core dumped)\n",
            "F0101 10:00:00 1 a.cc:3] Check failed: error == cudaSuccess (2 vs. 0) out of memory",
        ),
        (
            "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:5 +0x1d\nexit status 2\n",
            "panic: runtime error: index out of range [5] with length 3",
        ),
        (
            "ERROR: LoadError: UndefVarError: x not defined\nStacktrace:\n [1] top-level scope\n   @ /x.jl:1\nin expression starting at /x.jl:1\n",
            "ERROR: LoadError: UndefVarError: x not defined",
        ),
    ];
    for (text, line) in table {
        assert_eq!(said(text), line, "{text}");
    }
}

#[test]
fn a_tool_has_an_error_or_none() {
    let pip = "\x1b[91mERROR: Could not find a version\n\x1b[0m\x1b[91mERROR: No matching distribution found for x==9\n\x1b[0m\x1b[91mWARNING: You are using pip\n\x1b[0m";
    assert_eq!(
        error(pip).as_deref(),
        Some("ERROR: No matching distribution found for x==9")
    );
    assert_eq!(
        error("E: Unable to locate package x\n").as_deref(),
        Some("E: Unable to locate package x")
    );
    assert_eq!(error("one\ntwo\n"), None);
}

#[test]
fn a_long_line_keeps_its_beginning_and_its_end() {
    let long = format!(
        "{TRACEBACK}ValueError: cannot convert {} to a number",
        "7".repeat(100_000)
    );
    let line = said(&long);
    assert!(
        line.chars().count() <= LONGEST && line.starts_with("ValueError: cannot convert 77"),
        "{line}"
    );
    assert!(line.ends_with("7 to a number"), "{line}");
    assert_eq!(said(&"ä".repeat(500)), "ä".repeat(500));
}

#[test]
fn the_last_lines_are_whole_and_few() {
    let text: String = (0..30).map(|n| format!("\x1b[2mline {n}\x1b[0m\r\n\n")).collect();
    let last = last_lines(&text, 20);
    assert_eq!(
        (last.len(), last[0].as_str(), last[19].as_str()),
        (20, "line 10", "line 29")
    );
}

#[test]
fn secrets_are_hidden() {
    let table = [
        (
            "cloning https://me:hunter2@example.com/a b",
            "cloning https://***@example.com/a b",
        ),
        ("postgres://u:p@ss@db:5432/x", "postgres://***@db:5432/x"),
        ("got ghp_0123456789abcdef0123 here", "got *** here"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=***"),
        (
            "RUN TOKEN=abcdef pip install x: secret='abcdef' failed",
            "RUN TOKEN=*** pip install x: secret='***' failed",
        ),
        ("{'api_key': 'abcdef'}", "{'api_key': '***"),
        ("tokens: 512, max_token=128", "tokens: 512, max_token=128"),
        (
            "SyntaxError: unexpected token: punc",
            "SyntaxError: unexpected token: punc",
        ),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ];
    for (line, shown) in table {
        assert_eq!(masked(line), shown);
    }
}

proptest! {
    /// Whatever a program writes, what is told of it is one short line without control characters.
    #[test]
    fn any_text_is_told_in_one_line(text in "(\\PC|[\x00-\x1f\u{7f}-\u{9f}]|\x1b\\[[0-9;]{0,3}|Traceback \\(most recent call last\\):|\n|:){0,80}") {
        for line in fault(&text).into_iter().chain(error(&text)).chain(last_lines(&text, 3)) {
            prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
            prop_assert!(line.chars().count() <= LONGEST + 1);
            masked(&line);
        }
        let says = lines(&text).iter().any(|line| line.chars().any(char::is_alphanumeric));
        prop_assert_eq!(fault(&text).is_some(), says);
    }
}
