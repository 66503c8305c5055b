using System.Numerics;
using System.Reflection;
using System.Security.Cryptography;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.TestKit.Daa;

/// <summary>
/// A DAA issuer (Brickell, Camenisch, Chen: "Direct Anonymous Attestation", CCS 2004, §4.3 and §4.4) whose numbers are in the test vectors: it checks
/// what a TPM proves about itself, and certifies it blindly.
/// </summary>
public sealed class DaaIssuer
{
    /// <summary>Bits of v'': 1024 of them are u2, the others u3.</summary>
    private const int VBits = 2536;

    private readonly Dictionary<string, BigInteger> _numbers = Read();
    private readonly RSA[] _keys;

    public DaaIssuer()
    {
        _keys = [Key("n0"), Key("n1")];
        S1 = BigInteger.ModPow(S, BigInteger.One << 1024, N);
    }

    public BigInteger N => _numbers["p"] * _numbers["q"];

    public BigInteger R0 => _numbers["r0"];

    public BigInteger R1 => _numbers["r1"];

    /// <summary>S0 of the TPM; its S1 is S^(2^1024).</summary>
    public BigInteger S => _numbers["s"];

    public BigInteger S1 { get; }

    public BigInteger Z => _numbers["z"];

    public BigInteger G => _numbers["g"];

    public BigInteger GPrime => _numbers["gPrime"];

    public BigInteger H => _numbers["h"];

    public BigInteger Gamma => _numbers["gamma"];

    /// <summary>q of the TPM: the order of <see cref="Zeta"/>.</summary>
    public BigInteger Rho => _numbers["rho"];

    /// <summary>w of the TPM: the base of pseudonyms.</summary>
    public BigInteger Zeta => _numbers["zeta"];

    /// <summary>The moduli of the chain of keys; the first stands for the issuer, the last signs its settings.</summary>
    public byte[] KeyModulus(int index) => _keys[index].ExportParameters(false).Modulus!;

    /// <summary>A signature of one key of the chain on the next.</summary>
    public byte[] SignKey(int signer, int signed) => Sign(signer, KeyModulus(signed));

    /// <summary>TPM_DAA_ISSUER, byte by byte.</summary>
    public byte[] Settings(byte[]? n = null, byte[]? gamma = null, byte[]? q = null) =>
    [
        0x00, 0x2F,
        .. SHA1.HashData(Bytes(R0)), .. SHA1.HashData(Bytes(R1)), .. SHA1.HashData(Bytes(S)), .. SHA1.HashData(Bytes(S1)),
        .. SHA1.HashData(n ?? Bytes(N)), .. SHA1.HashData(gamma ?? Bytes(Gamma)), .. q ?? Bytes(Rho, 26),
    ];

    /// <summary>The signature that TPM_DAA_Join asks for at stage 2.</summary>
    public byte[] SignSettings(int signer, byte[] settings) => Sign(signer, [.. SHA1.HashData(KeyModulus(0)), .. settings]);

    /// <summary>
    /// Checks the proof of a Join, the host's part of the challenge included, and makes the certificate: A, e and v'' with A^e U S^v'' = Z mod n.
    /// </summary>
    public DaaCertificate Certify(DaaJoinProof proof)
    {
        BigInteger c = Number(proof.C), sv = proof.S2 + (proof.S3 << 1024);
        BigInteger commitmentU = Product(N, (proof.U, -c), (R0, proof.S0), (R1, proof.S1), (S, sv));
        BigInteger commitmentE = Product(Gamma, (proof.E, -c), (Zeta, proof.S0 + (proof.S1 << 104)));
        byte[] c1 = JoinChallenge(proof.U, proof.E, commitmentU, commitmentE);
        if (!SHA1.HashData((byte[])[.. c1, .. proof.Nt]).AsSpan().SequenceEqual(proof.C)) throw new CryptographicException("the TPM has proven nothing");
        BigInteger e = _numbers["e"], v = Random(VBits - 1) + (BigInteger.One << VBits - 1);
        BigInteger order = (_numbers["p"] - 1) / 2 * ((_numbers["q"] - 1) / 2);
        BigInteger blinded = Z * Inverse(Product(N, (proof.U, 1), (S, v)), N) % N;
        return new DaaCertificate(BigInteger.ModPow(blinded, Inverse(e, order), N), e, v);
    }

    /// <summary>What the host of a Join has the TPM answer: a hash of all that was said.</summary>
    public byte[] JoinChallenge(BigInteger u, BigInteger e, BigInteger commitmentU, BigInteger commitmentE) =>
        Hash([N, R0, R1, S, Z, Gamma, Zeta, u, e, commitmentU, commitmentE]);

    private byte[] Sign(int signer, byte[] data) => _keys[signer].SignData(data, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

    private RSA Key(string name)
    {
        BigInteger n = _numbers[name], p = _numbers[name + "Prime"], q = n / p, d = Inverse(65537, (p - 1) * (q - 1));
        return RSA.Create(new RSAParameters
        {
            Modulus = Bytes(n),
            Exponent = [1, 0, 1],
            D = Bytes(d),
            P = Bytes(p, 128),
            Q = Bytes(q, 128),
            DP = Bytes(d % (p - 1), 128),
            DQ = Bytes(d % (q - 1), 128),
            InverseQ = Bytes(Inverse(q, p), 128),
        });
    }

    private static Dictionary<string, BigInteger> Read()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("daa-issuer.txt")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .ToDictionary(parts => parts[0], parts => Number(Convert.FromHexString(parts[1])));
    }
}

/// <summary>What the TPM says in a Join up to stage 21.</summary>
public sealed record DaaJoinProof(BigInteger U, BigInteger E, byte[] Nt, byte[] C, BigInteger S0, BigInteger S1, BigInteger S2, BigInteger S3);

/// <summary>What the issuer answers.</summary>
public sealed record DaaCertificate(BigInteger A, BigInteger E, BigInteger V)
{
    public byte[] U2 => Bytes(V & (BigInteger.One << 1024) - 1, 128);

    public byte[] U3 => Bytes(V >> 1024, 192);
}
