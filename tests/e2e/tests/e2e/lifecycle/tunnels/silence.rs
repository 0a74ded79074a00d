//! The developer's machine is connected, and nothing listens there.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;

/// A process that answers once on each connection.
async fn answer_each(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Whoever leaves early is none of the test's.
        _ = stream.read(&mut [0; 4096]).await;
        _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi").await;
    }
}

#[tokio::test]
async fn visitors_are_told_that_nothing_listens_and_the_developer_once() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let (client, host) = (desk.team.client(), desk.host(&gateway).await);
    let held = reserve(([127, 0, 0, 1], 0));
    let place = held.local_addr().unwrap();
    let cart = desk.team.cart.address().to_string();
    let process = desk.serve(place, &["--service", &cart]);
    let reply = desk.answers(&host, "502").await;
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem = json_of(&reply);
    assert_eq!((&problem["status"], &problem["service"]), (&json!(502), &json!(cart)), "{problem}");

    let of_browser = get(&host, CART).with("accept", "text/html,*/*;q=0.8");
    let page = client.ask(&of_browser).await;
    assert_eq!((page.by().as_str(), page.header("content-type")), ("502", Some("text/html; charset=utf-8")));
    assert_eq!(page.header("cache-control"), Some("no-store,private"));
    for words in ["<h1>Nothing answers on the developer's machine</h1>", "is connected", &cart, &place.to_string()] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    assert_eq!(client.ask(&of_browser.method("HEAD")).await.by(), "502", "without a body it is the same");

    let server = tokio::spawn(answer_each(reserve(place).listen(16).unwrap()));
    desk.answers(&host, "200").await;
    process.line(&[&format!("Something listens at {place} now")]).await;
    server.abort();
    server.await.unwrap_err();
    for path in ["one", "two", "three"] {
        assert_eq!(client.ask(&get(&host, &format!("{CART}{path}"))).await.by(), "502");
        process.line(&[&format!("GET /{path} 502 "), " ms"]).await;
    }
    let told = process.stdout();
    let silent: Vec<_> = told.iter().filter(|line| line.to_lowercase().contains("nothing listens")).collect();
    assert!(matches!(&silent[..], [line] if line.contains(&format!("at {place} any more"))), "{told:#?}");
    interrupt(process).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_process_that_is_too_busy_for_another_connection_keeps_nobody_waiting() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    desk.host(&gateway).await;
    let busy = TcpSocket::new_v4().unwrap();
    busy.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let busy = busy.listen(1).unwrap();
    let place = busy.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(500), TcpStream::connect(place)).await {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 16, "it takes no more at some time");
    }
    let process = desk.serve(place, &[]);
    process.line(&["Connected"]).await;
    let told = process.stderr();
    assert!(!told.iter().any(|line| line.contains("Nothing listens")), "it is there: {told:?}");
    interrupt(process).await;
    gateway.stop().await;
}
