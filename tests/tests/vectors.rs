//! The vectors of `tests/vectors`: what every language must do alike. `TOKENWARD_RECORD=1` writes what is found into
//! the files and the index, for a person to read against the design.

use std::{collections::BTreeMap, env, fs, sync::OnceLock};

use tokenward::Machine;
use tokenward_tests::vectors::{self, Arms, Index, Listed, Mode, Vector};

const LEAST: usize = 60;

#[test]
fn every_vector_of_the_index_comes_true() {
    let mut vectors = all();
    let index = vectors::read_index().expect("the index can be read");
    let listed: BTreeMap<_, _> = index.vectors.into_iter().map(|listed| (listed.file, listed.name)).collect();
    let found: BTreeMap<_, _> = vectors.iter().map(|(file, vector)| (file.clone(), vector.name.clone())).collect();
    assert_eq!(found, listed, "index.json lists other vectors than the folder holds");

    let (mut run, mut arms, mut failures) = (0, Arms::new(), Vec::new());
    for (file, vector) in &mut vectors {
        run += 1;
        for mode in [Mode::Written, Mode::Ticked] {
            if let Err(error) = vectors::run(vector, mode, &mut arms) {
                failures.push(format!("{file} ({mode:?}): {error}"));
            }
        }
    }

    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n\n"));
    assert_eq!(run, listed.len());
    assert!(run >= LEAST, "{run} vectors");
}

#[test]
fn every_arm_of_the_transition_table_is_used() {
    let mut arms: Arms = Machine::arms().iter().map(|arm| (*arm, 0)).collect();

    for vector in all().values_mut() {
        // What fails is told by the test above.
        _ = vectors::run(vector, Mode::Written, &mut arms);
    }

    let unlisted: Vec<_> = arms.keys().filter(|arm| !Machine::arms().contains(arm)).collect();
    let unused: Vec<_> = arms.iter().filter(|(_, count)| **count == 0).collect();
    for (state, on) in Machine::arms() {
        println!("{:>6}  {state:<12}{on}", arms.get(&(*state, *on)).copied().unwrap_or_default());
    }
    assert!(unlisted.is_empty(), "Machine::arms() does not list {unlisted:?}");
    assert!(unused.is_empty(), "no vector uses {unused:?}");
}

#[test]
fn every_vector_is_named_by_its_sentence_and_tells_its_incident() {
    for (file, vector) in all() {
        assert_eq!(file, vectors::file_name(&vector.name));
        assert!(vector.why.len() > 20, "{file}: why?");
        assert!(matches!(vector.promise.as_str(), "P1" | "P2" | "P3" | "P4" | "P5" | "P6" | "P7" | "P8"), "{file}");
        assert!(!vector.steps.is_empty(), "{file}: no steps");
    }
}

#[test]
fn no_two_vectors_differ_only_in_their_names() {
    let mut seen = BTreeMap::new();
    for (file, vector) in all() {
        let nameless = Vector { name: String::new(), why: String::new(), promise: String::new(), ..vector };

        if let Some(other) = seen.insert(vectors::written(&nameless), file.clone()) {
            panic!("{file} is {other} under another name");
        }
    }
}

fn all() -> BTreeMap<String, Vector> {
    static ALL: OnceLock<BTreeMap<String, Vector>> = OnceLock::new();
    let read = || {
        let mut all = vectors::read_all().expect("every vector can be read");
        if env::var_os("TOKENWARD_RECORD").is_some() {
            record(&mut all);
        }
        all
    };
    ALL.get_or_init(read).clone()
}

fn record(all: &mut BTreeMap<String, Vector>) {
    for (file, vector) in all.iter_mut() {
        if let Err(error) = vectors::run(vector, Mode::Record, &mut Arms::new()) {
            println!("{file}: {error}");
        }
        fs::write(vectors::folder().join(file), vectors::written(vector)).expect("a vector can be written");
    }
    let vectors = all.iter().map(|(file, vector)| Listed { file: file.clone(), name: vector.name.clone() }).collect();
    let index = serde_json::to_string_pretty(&Index { vectors }).expect("an index is JSON") + "\n";
    fs::write(vectors::folder().join("index.json"), index).expect("the index can be written");
}
