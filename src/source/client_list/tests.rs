use super::*;

const LINE: &str = "id=3 addr=127.0.0.1:44292 laddr=127.0.0.1:7999 fd=8 name= age=7 idle=2 flags=N db=0 sub=1 psub=2 \
                    ssub=3 multi=-1 qbuf=26 qbuf-free=20448 obl=0 oll=4 omem=5 tot-mem=37658 events=r \
                    cmd=client|list user=default redir=-1 resp=2";

fn compare(list: &mut ClientList, text: &str) -> Compared {
    list.compare(Bytes::from(text.to_owned()))
}

#[test]
fn a_line_of_redis_7() {
    let said = compare(&mut ClientList::default(), LINE);
    let client = Client {
        id: 3,
        addr: "127.0.0.1:44292".into(),
        laddr: Some("127.0.0.1:7999".into()),
        fd: Some(8),
        age: 7,
        idle: 2,
        flags: "N".into(),
        db: Some(0),
        subscriptions: 6,
        query_buffer: Some(26),
        output_list: Some(4),
        output_memory: Some(5),
        memory: Some(37658),
        command: Some("client|list".into()),
        user: Some("default".into()),
        resp: Some(2),
        more: Some("qbuf-free=20448 obl=0 events=r".into()),
        ..Client::default()
    };
    assert_eq!(said, Compared { opened: vec![client], clients: 1, ..Compared::default() });
}
