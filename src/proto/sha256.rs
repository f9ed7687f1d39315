//! SHA-256 (FIPS 180-4). The platform's own is asynchronous, and missing in insecure contexts; what it is wanted for
//! here, a name and a challenge, can wait for nothing.

/// The cube roots of the first 64 primes: the first 32 bits of their fractional parts (§4.2.2).
const K: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// The square roots of the first 8 primes, likewise (§5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The hash of these bytes.
pub fn sha256(message: &[u8]) -> Vec<u8> {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let state = padded.as_chunks().0.iter().fold(START, compress);
    let mut hash = Vec::new();
    for word in state {
        hash.extend_from_slice(&word.to_be_bytes());
    }
    hash
}

/// §6.2.2. Of the message schedule, the sixteen words that are still needed.
fn compress(state: [u32; 8], block: &[u8; 64]) -> [u32; 8] {
    let mut w = [0; 16];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut now = state;
    for k in &K {
        let [a, b, c, d, e, f, g, h] = now;
        let choice = (e & f) ^ (!e & g);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let one = h
            .wrapping_add(turned(e, 6, 11) ^ e.rotate_right(25))
            .wrapping_add(choice)
            .wrapping_add(*k)
            .wrapping_add(w[0]);
        let two = (turned(a, 2, 13) ^ a.rotate_right(22)).wrapping_add(majority);
        now = [one.wrapping_add(two), a, b, c, d.wrapping_add(one), e, f, g];
        let next = w[0]
            .wrapping_add(turned(w[1], 7, 18) ^ (w[1] >> 3))
            .wrapping_add(w[9])
            .wrapping_add(turned(w[14], 17, 19) ^ (w[14] >> 10));
        w.copy_within(1.., 0);
        w[15] = next;
    }
    for (word, more) in now.iter_mut().zip(state) {
        *word = word.wrapping_add(more);
    }
    now
}

fn turned(word: u32, by: u32, and_by: u32) -> u32 {
    word.rotate_right(by) ^ word.rotate_right(and_by)
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;

    fn hex(message: &[u8]) -> String {
        sha256(message).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_examples_of_nist_hash_as_nist_says() {
        for (message, hash) in [
            (&b""[..], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
            (&[b'a'; 1_000_000], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
        ] {
            assert_eq!(hex(message), hash);
        }
    }

    #[test]
    fn messages_of_every_length_around_a_block_are_padded_right() {
        // Each hash hashed with the next: one value stands for them all (by Python's hashlib).
        let mut all = Vec::new();
        for length in 0..=130 {
            all.extend(sha256(&vec![b'a'; length]));
        }
        assert_eq!(hex(&all), "f908a43fc8456c583aacde0fb2627959f8513dc76d0c03979b7f945a7dd78f22");
    }
}
