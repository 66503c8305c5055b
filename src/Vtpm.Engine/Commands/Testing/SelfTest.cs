using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Testing;

/// <summary>
/// The self-tests of Part 1 §9: known answers for every cryptographic function, and a continuous check of the random numbers. They take a
/// millisecond.
/// </summary>
public static class SelfTest
{
    /// <summary>An RSA-1024 key that serves here alone, its signature of SHA-1("abc"), and "abc" encrypted for it with the label "TCPA".</summary>
    private const string Modulus =
        "bfbc71fe15a77a50f368d6afed5b206efa16878c0beb574576e3dc96839d0460c4e6c91a74c561778fbdcf4183366efa58f0ee6e44be7e01ba82649b927d82df" +
        "eb53c045d5b5665f741d0bf5d7f7fdc65fc6dd2d20d4ca6b78427a57ae187d33432183fc4e0ce983034a57466cbb5759594448423d4c2e5760a48df5d26e6b35";

    private const string Prime =
        "fbf55a4e0a51dbd1f4d53d49a1c2e8ef18d6d296b3a8cb8380048d3df2941a72b960da03399e4e0682110cd28a50602a0c358a142340d5f119ade441048c4f8b";

    private const string Signature =
        "3352acae23052952729178c846f20fd2d58a4eeff2e812f302a713fffcfeb8c99dd4b9f389c7f0aa7db420b670dbe14af5c2f880d5d7fad86bfc957e6d84fe44" +
        "9f2394ce83c77c7ea7469a2df37bba86b485055c10be16215987be6e44d0207e2929a5a6ee37ad5026ef8b644394ed7258ccec193d3b927bc83b9b9ea504e051";

    private const string Ciphertext =
        "86c6f7d55e24dc549ecfc6ce13bc8ed928387cb39a9fe325cb8859c7fe34a6108b1d02455ea9be960eb22b52706f0df9a2a2a95db67b741b1d761a6e7b4faa0a" +
        "29fd3961d70aba9e58b73fda24fe99257f81bf4bca7cd1b93669cf91dcd694ace9e8956f9f4519f9de3c67a969ad51788b5615dd4f11f6480a81ae84228a778b";

    private static ReadOnlySpan<byte> Message => "abc"u8;

    private static ReadOnlySpan<byte> Label => "TCPA"u8;

    /// <summary>All tests.</summary>
    /// <returns>The first that failed, or none.</returns>
    public static FailureCause Run(TpmPlatform platform) =>
        !HashWorks() ? FailureCause.Hash
        : !CipherWorks() ? FailureCause.Cipher
        : !RsaWorks(platform.Rsa) ? FailureCause.Rsa
        : !RandomWorks(platform.Random) ? FailureCause.Random
        : FailureCause.None;

    /// <summary>
    /// SHA-1 of "abc" (FIPS 180), and HMAC with SHA-1 (RFC 2202, test case 2): all that is needed before the full test (Part 1 §9.2).
    /// </summary>
    public static bool HashWorks()
    {
        Span<byte> hash = stackalloc byte[TpmDigest.Size];
        SHA1.HashData(Message, hash);
        if (!hash.SequenceEqual(Convert.FromHexString("a9993e364706816aba3e25717850c26c9cd0d89d"))) return false;
        HMACSHA1.HashData("Jefe"u8, "what do ya want for nothing?"u8, hash);
        return hash.SequenceEqual(Convert.FromHexString("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
    }

    /// <summary>AES-128 in counter mode (NIST SP 800-38A, F.5.1): two blocks.</summary>
    private static bool CipherWorks()
    {
        Span<byte> data = Convert.FromHexString("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        SymmetricCipher.AesCtr(
            Convert.FromHexString("2b7e151628aed2a6abf7158809cf4f3c"),
            Convert.FromHexString("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
            data);
        return data.SequenceEqual(Convert.FromHexString("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"));
    }

    /// <summary>A known signature is made and opened; a known message is decrypted, goes round, and is not decrypted once it was changed.</summary>
    private static bool RsaWorks(ITpmRsa rsa)
    {
        byte[] modulus = Convert.FromHexString(Modulus);
        byte[] signature = Convert.FromHexString(Signature);
        byte[] ciphertext = Convert.FromHexString(Ciphertext);
        byte[] output = new byte[modulus.Length];
        if (rsa.Import(modulus, KeyParameters.DefaultExponent, Convert.FromHexString(Prime)) is not { } key) return false;

        if (!rsa.PublicOperation(modulus, KeyParameters.DefaultExponent, signature, output)) return false;
        if (!output.AsSpan(^TpmDigest.Size..).SequenceEqual(SHA1.HashData(Message))) return false;
        byte[] made = new byte[modulus.Length];
        if (!key.PrivateOperation(output, made) || !made.AsSpan().SequenceEqual(signature)) return false;

        if (!Decrypts(key, ciphertext, output)) return false;
        if (!rsa.EncryptOaep(modulus, KeyParameters.DefaultExponent, Message, Label, made) || !Decrypts(key, made, output)) return false;
        ciphertext[^1] ^= 1;
        return !Decrypts(key, ciphertext, output);
    }

    private static bool Decrypts(ITpmRsaPrivateKey key, ReadOnlySpan<byte> ciphertext, byte[] output) =>
        key.DecryptOaep(ciphertext, Label, output, out int length) && output.AsSpan(0, length).SequenceEqual(Message);

    /// <summary>Two runs of numbers in succession are never the same, and neither is one number repeated.</summary>
    private static bool RandomWorks(ITpmRandom random)
    {
        Span<byte> first = stackalloc byte[TpmNonce.Size];
        Span<byte> second = stackalloc byte[TpmNonce.Size];
        random.Fill(first);
        random.Fill(second);
        return !first.SequenceEqual(second) && first.ContainsAnyExcept(first[0]) && second.ContainsAnyExcept(second[0]);
    }
}
