using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>A secret for a session that only the TPM with a certain storage key can read (TPM 2.0 Part 1, annexes B.10.2 and C.6.1).</summary>
internal static class Tpm2Salt
{
    private static ReadOnlySpan<byte> Label => "SECRET"u8;

    /// <summary>Makes a salt, in an array that the caller zeroes, and encrypts it to the key.</summary>
    /// <exception cref="CryptographicException">The key is none.</exception>
    /// <exception cref="ArgumentException">The key is none, or of a kind that this client does not know.</exception>
    public static byte[] Create(in TpmtPublic key, out byte[] salt)
    {
        salt = GC.AllocateArray<byte>(key.NameAlg.Size(), pinned: true);
        return key.Type == TpmAlgId.Ecc ? Agree(key, salt) : Encrypt(key, salt);
    }

    private static byte[] Encrypt(in TpmtPublic key, Span<byte> salt)
    {
        RandomNumberGenerator.Fill(salt);
        Span<byte> exponent = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(exponent, key.Exponent);
        return RsaOaep.Encrypt(key.Unique.Span, key.Exponent == 0 ? [] : exponent, key.NameAlg.Name(), [.. Label, 0], salt);
    }

    private static byte[] Agree(in TpmtPublic key, Span<byte> salt)
    {
        (ECCurve curve, int size) = CurveOf(key.CurveId);
        using ECDiffieHellman ephemeral = ECDiffieHellman.Create(curve);
        using ECDiffieHellman theirs = ECDiffieHellman.Create();
        byte[] x = Padded(key.Unique.Span, size);
        theirs.ImportParameters(new ECParameters { Curve = curve, Q = new ECPoint { X = x, Y = Padded(key.UniqueY.Span, size) } });
        ECPoint point = ephemeral.ExportParameters(includePrivateParameters: false).Q;
        using ECDiffieHellmanPublicKey theirKey = theirs.PublicKey;
        byte[] z = ephemeral.DeriveRawSecretAgreement(theirKey);
        Tpm2Kdf.E(key.NameAlg, z, Label, point.X, x, salt);
        CryptographicOperations.ZeroMemory(z);
        return [.. WireFormat.ToBytes(new Tpm2bDigest { Buffer = point.X }), .. WireFormat.ToBytes(new Tpm2bDigest { Buffer = point.Y })];
    }

    private static (ECCurve Curve, int Size) CurveOf(TpmEccCurve curve) => curve switch
    {
        TpmEccCurve.NistP256 => (ECCurve.NamedCurves.nistP256, 32),
        TpmEccCurve.NistP384 => (ECCurve.NamedCurves.nistP384, 48),
        TpmEccCurve.NistP521 => (ECCurve.NamedCurves.nistP521, 66),
        _ => throw new ArgumentException($"curve 0x{(int)curve:x4} is none that this client knows", nameof(curve)),
    };

    /// <summary>A coordinate in the length of its field.</summary>
    private static byte[] Padded(ReadOnlySpan<byte> coordinate, int size)
    {
        coordinate = coordinate.TrimStart((byte)0);
        if (coordinate.Length > size) throw new ArgumentException("a coordinate is longer than its field", nameof(coordinate));
        byte[] padded = new byte[size];
        coordinate.CopyTo(padded.AsSpan(size - coordinate.Length));
        return padded;
    }
}
