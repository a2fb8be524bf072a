//! dev
mod support;
use support::world::*;
fn main() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_kubelet-proxy"));
    let t = std::time::Instant::now();
    let mut step = |s: &str| eprintln!("{:?} {s}", t.elapsed());
    let r = (|| -> support::wait::Outcome {
        let mut w = World::boot_control_plane(program, &proxy::policy(), &mut step)?;
        eprintln!("{:?} cp up", t.elapsed());
        w.start_kubelet(Route::Direct)?;
        w.wait_node_ready()?;
        eprintln!("{:?} ready", t.elapsed());
        w.kubectl.create(&manifest::allowed("ok"))?;
        let r = support::wait::eventually("running", std::time::Duration::from_secs(30), || {
            let p = w.kubectl.pod("ok")?;
            support::wait::ensure(p["status"]["phase"] == "Running", || p["status"].to_string())
        });
        eprintln!("{:?} {r:?} {:?}", t.elapsed(), w.containers.of_pod("ok"));
        eprintln!("{:?}", w.kubectl.run(&["logs", "ok"]));
        eprintln!("{:?}", w.kubectl.run(&["exec", "ok", "--", "echo", "hi"]));
        w.check_running()
            .or_else(|e| {
                eprintln!("{e}");
                Ok::<_, Box<dyn std::error::Error>>(())
            })
            .unwrap();
        if std::env::var("HOLD").is_ok() {
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        Ok(())
    })();
    eprintln!("{:?} {r:?}", t.elapsed());
}
