using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using Vtpm.Wire;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.TestKit.Daa;

/// <summary>Runs one stage of a DAA command, authorized by the owner: outputData, or an exception for an error.</summary>
public delegate byte[] DaaCall(TpmOrdinal ordinal, uint handle, int stage, byte[] inputData0, byte[] inputData1);

/// <summary>
/// The host that a TPM sits in (Brickell, Camenisch, Chen, §4.4 and §4.5): it carries the stages of a Join to the issuer and back, and blinds the
/// certificate in a Sign.
/// </summary>
public sealed class DaaHost(DaaIssuer issuer, DaaCall call)
{
    /// <summary>A whole Join with a chain of keys, for an endorsement key; <paramref name="count"/> is DAA_count.</summary>
    public DaaCredential Join(in TpmPubKey ek, uint count, int chain = 2)
    {
        uint handle = BinaryPrimitives.ReadUInt32BigEndian(call(TpmOrdinal.DaaJoin, 0, 0, TestTpm.BigEndian((uint)chain), []));
        byte[] Run(int stage, byte[] inputData0, byte[] inputData1) => call(TpmOrdinal.DaaJoin, handle, stage, inputData0, inputData1);
        for (int key = 0; key < chain; key++) Run(1, issuer.KeyModulus(key), key == 0 ? [] : issuer.SignKey(key - 1, key));
        Run(2, issuer.Settings(), issuer.SignSettings(chain - 1, issuer.Settings()));
        Run(3, TestTpm.BigEndian(count), []);
        byte[] n = Bytes(issuer.N), gamma = Bytes(issuer.Gamma);
        Run(4, Bytes(issuer.R0), n);
        Run(5, Bytes(issuer.R1), n);
        Run(6, Bytes(issuer.S), n);
        byte[] u = Run(7, Bytes(issuer.S1), n);
        CheckEndorsement(ek, count, u, Run);
        Run(9, Bytes(issuer.R0), n);
        Run(10, Bytes(issuer.R1), n);
        Run(11, Bytes(issuer.S), n);
        BigInteger commitmentU = Number(Run(12, Bytes(issuer.S1), n));
        Run(13, gamma, Bytes(issuer.Zeta));
        BigInteger e = Number(Run(14, gamma, [])), commitmentE = Number(Run(15, gamma, []));
        byte[] nt = Run(16, issuer.JoinChallenge(Number(u), e, commitmentU, commitmentE), []);
        BigInteger s0 = Number(Run(17, [], [])), s1 = Number(Run(18, [], [])), s2 = Number(Run(19, [], []));
        byte[] c = Run(20, [], []);
        DaaCertificate certificate = issuer.Certify(new DaaJoinProof(Number(u), e, nt, c, s0, s1, s2, Number(Run(21, [], []))));
        byte[] v0 = Run(22, certificate.U2, []), v1 = Run(23, certificate.U3, []);
        return new DaaCredential(certificate.A, certificate.E, e, Run(24, [], []), v0, v1);
    }

    /// <summary>A whole Sign of a message, or (with a selector of 0) of the identity key whose handle <paramref name="signed"/> is.</summary>
    public DaaSignature Sign(DaaCredential credential, byte[] nonce, byte selector, byte[] signed)
    {
        BigInteger n = issuer.N, h = issuer.H;
        BigInteger w = Random(2048 + 80), r = Random(2048 + 80), e = credential.E;
        BigInteger t1 = credential.A * Power(h, w, n) % n;
        BigInteger t2 = Product(n, (issuer.G, w), (h, e), (issuer.GPrime, r));

        uint handle = BinaryPrimitives.ReadUInt32BigEndian(call(TpmOrdinal.DaaSign, 0, 0, issuer.Settings(), []));
        byte[] Run(int stage, byte[] inputData0, byte[] inputData1) => call(TpmOrdinal.DaaSign, handle, stage, inputData0, inputData1);
        byte[] modulus = Bytes(n), gamma = Bytes(issuer.Gamma);
        Run(1, credential.TpmSpecific, []);
        Run(2, Bytes(issuer.R0), modulus);
        Run(3, Bytes(issuer.R1), modulus);
        Run(4, Bytes(issuer.S), modulus);
        BigInteger t = Number(Run(5, Bytes(issuer.S1), modulus));
        Run(6, gamma, Bytes(issuer.Zeta));
        BigInteger k = Number(Run(7, gamma, [])), commitmentK = Number(Run(8, gamma, []));

        // Commitments to e, e^2, w, ew, r and er, each as long as hides what it is added to.
        BigInteger re = Random(120 + 240), ree = Random(2 * 368 + 241), rw = Random(2048 + 320), rr = Random(2048 + 320);
        BigInteger rew = Random(368 + 2048 + 321), rer = Random(368 + 2048 + 321);
        BigInteger commitment1 = t * Product(n, (t1, re), (h, -rew)) % n;
        BigInteger commitment2 = Product(n, (issuer.G, rw), (h, re), (issuer.GPrime, rr));
        BigInteger commitment3 = Product(n, (t2, -re), (issuer.G, rew), (h, ree), (issuer.GPrime, rer));

        byte[] nt = Run(9, DaaVerifier.Challenge(issuer, nonce, [t1, t2, k], [commitment1, commitment2, commitment3, commitmentK]), []);
        byte[] digest = Run(10, [selector], signed);
        BigInteger c = Number(digest);
        BigInteger s0 = Number(Run(11, [], [])), s1 = Number(Run(12, [], [])), s2 = Number(Run(13, credential.V0, []));
        Run(14, credential.V0, []);
        BigInteger s3 = Number(Run(15, credential.V1, []));
        return new DaaSignature(
            t1, t2, k, digest, nt, s0, s1, s2 + (s3 << 1024), re + c * (e - (BigInteger.One << 367)), ree + c * e * e, rw + c * w, rew + c * w * e, rr + c * r, rer + c * e * r);
    }

    /// <summary>Stage 8, and whether its answer proves that the endorsement key is in this TPM, which has made this U.</summary>
    private void CheckEndorsement(in TpmPubKey ek, uint count, byte[] u, Func<int, byte[], byte[], byte[]> run)
    {
        byte[] ne = RandomNumberGenerator.GetBytes(20);
        byte[] u1 = SHA1.HashData((byte[])[.. u, .. TestTpm.BigEndian(count), .. SHA1.HashData(issuer.KeyModulus(0))]);
        byte[] expected = SHA1.HashData((byte[])[.. u1, .. ne]);
        if (!run(8, TestTpm.EncryptOaep(ek, ne), []).AsSpan().SequenceEqual(expected)) throw new CryptographicException("U is not of this endorsement key");
    }
}

/// <summary>What is left of a Join: the host's half of the certificate, the pseudonym, and what the TPM has given out encrypted.</summary>
public sealed record DaaCredential(BigInteger A, BigInteger E, BigInteger Pseudonym, byte[] TpmSpecific, byte[] V0, byte[] V1);
