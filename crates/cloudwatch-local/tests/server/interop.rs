//! The real boto3 and AWS CLI, as far as this machine has them.

use std::{
    process::Command,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use weir_cloudwatch_local::{CloudWatchLocal, Options};

/// Publishes and reads back with boto3 (in JSON and in CBOR) and with the AWS CLI; the script compares what comes
/// back with its own samples.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_and_the_aws_cli_read_back_what_they_put() {
    let server =
        CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), Options::new(Arc::new(unix_nanos))).await.unwrap();
    let endpoint = server.endpoint();
    let run = tokio::task::spawn_blocking(move || {
        // `cargo xtask test` installs both clients, pinned, and names them; else those on the path are as good.
        Command::new(std::env::var_os("WEIR_PYTHON").unwrap_or_else(|| "python3".into()))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/interop.py"))
            .arg(endpoint)
            // Whatever credentials and profiles the machine has stay out of it.
            .env("AWS_ACCESS_KEY_ID", "any")
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_ENDPOINT_URL")
            .env("NO_PROXY", "127.0.0.1")
            .output()
    });
    let output = match run.await.unwrap() {
        Ok(output) => output,
        Err(error) => return println!("skipped: python3 ({error})"),
    };
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{stdout}");
    assert!(output.status.success(), "{stdout}{stderr}");
    if !stdout.contains("skipped: boto3") {
        assert!(stdout.contains("passed: boto3 json"), "{stdout}{stderr}");
        assert!(server.counters().put_accepted > 0);
    }
    server.shutdown().await;
}

#[allow(clippy::disallowed_methods, reason = "the clients sign and stamp with the real time")]
fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}
