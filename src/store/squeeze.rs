//! Deflate with a dictionary: text that looks like other text which both sides
//! have takes a fraction of its room.

use std::io::{self, Read as _};

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};

/// Raw deflate of `text`, which may refer back into `dictionary`.
///
/// The library knows no dictionaries, so both are deflated as one stream, with
/// a flush between them (it ends on a whole byte), and only what follows the
/// flush is kept.
pub(super) fn deflate(dictionary: &[u8], text: &[u8]) -> Vec<u8> {
    let mut stream = Compress::new(Compression::new(6), false);
    let mut out = Vec::new();
    if !dictionary.is_empty() {
        push(&mut stream, dictionary, FlushCompress::Sync, &mut out);
        out.clear();
    }
    push(&mut stream, text, FlushCompress::Finish, &mut out);
    out
}

fn push(stream: &mut Compress, input: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
    let start = stream.total_in();
    loop {
        out.reserve(input.len() / 4 + 1024);
        let done = (stream.total_in() - start) as usize;
        let status = stream.compress_vec(&input[done..], out, flush);
        let all_in = (stream.total_in() - start) as usize == input.len();
        // A flush is over when it left room in the output.
        let flushed = flush == FlushCompress::Sync && all_in && out.len() < out.capacity();
        if flushed || !matches!(status, Ok(Status::Ok | Status::BufError)) {
            return;
        }
    }
}

/// The reverse. The dictionary goes ahead as stored blocks, which any deflate
/// reader takes, so that the body's references find it.
pub(super) fn inflate(dictionary: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = Vec::with_capacity(dictionary.len() + body.len() + 16);
    for block in dictionary.chunks(usize::from(u16::MAX)) {
        let length = block.len() as u16;
        stream.push(0);
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(body);
    let mut text = Vec::new();
    DeflateDecoder::new(stream.as_slice()).read_to_end(&mut text)?;
    text.drain(..dictionary.len().min(text.len()));
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_dictionary_has_is_nearly_free() {
        let known = "description \"uplink to the other side\"".repeat(3);
        let body = deflate(known.as_bytes(), known.as_bytes());
        assert!(body.len() < known.len() / 4, "{} bytes", body.len());
        assert!(inflate(b"", &[0xff, 1, 2]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_comes_back(dictionary in "[a-e\\PC]{0,300}", text in "[a-e\\PC]{0,300}", repeat in 1_usize..400) {
            let dictionary = dictionary.repeat(repeat);
            let body = deflate(dictionary.as_bytes(), text.as_bytes());
            prop_assert_eq!(inflate(dictionary.as_bytes(), &body).unwrap(), text.as_bytes());
        }
    }
}
