use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-reload-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("file")
    }

    fn write(&self, content: &str) {
        fs::write(self.file(), content).unwrap();
    }

    fn numbers(&self) -> Result<Arc<Reloaded<u32>>, LoadError> {
        Reloaded::load(vec![self.file()], |contents| {
            let text = String::from_utf8_lossy(&contents[0]);
            text.parse().map_err(|_| LoadError::Content(format!("`{text}` is no number")))
        })
        .map(Arc::new)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_changes_is_taken_and_what_cannot_be_taken_changes_nothing() {
    let folder = Folder::new("changes");
    folder.write("1");
    let number = folder.numbers().unwrap();
    assert_eq!(number.renew(), Ok(false));
    folder.write("2");
    assert_eq!((number.renew(), *number.get()), (Ok(true), 2));
    folder.write("two");
    assert_eq!(number.renew(), Err(LoadError::Content("`two` is no number".to_owned())));
    assert_eq!(*number.get(), 2);
    fs::remove_file(folder.file()).unwrap();
    assert!(matches!(number.renew(), Err(LoadError::Read { .. })));
    assert_eq!(*number.get(), 2);
    folder.write("3");
    assert_eq!((number.renew(), *number.get()), (Ok(true), 3));
}

#[test]
fn a_file_that_is_not_there_at_first_is_named() {
    let folder = Folder::new("missing");
    let error = folder.numbers().unwrap_err().to_string();
    assert!(error.starts_with(&format!("could not read {}: ", folder.file().display())), "{error}");
}

#[tokio::test]
async fn watching_finds_a_change() {
    let folder = Folder::new("watched");
    folder.write("1");
    let number = folder.numbers().unwrap();
    folder.write("2");
    let seen = async {
        while *number.get() != 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = seen => {}
        never = number.watch(Duration::from_millis(1)) => match never {},
    }
}
