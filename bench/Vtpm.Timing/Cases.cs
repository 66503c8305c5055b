using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Engine.Commands.Capability;
using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Timing;

/// <summary>What must not tell a secret by its time, and what does, to show that the measurement sees it.</summary>
internal static class Cases
{
    private const int Variants = 256;

    public static IEnumerable<TimingCase> All() => [.. Comparisons(), .. Commands(), .. PrivateOperations(), .. OaepPaddings(), .. Pkcs1Paddings()];

    private static IEnumerable<TimingCase> Comparisons()
    {
        byte[] secret = RandomNumberGenerator.GetBytes(TpmAuthData.Size);
        byte[][] Wrong(int which) => [Flipped(secret, which == 0 ? 0 : secret.Length - 1)];
        TimingCase Case(string name, Func<byte[], bool> equals, bool isControl) =>
            new(name, "first or last byte wrong", 1_000_000, Wrong, bytes => equals(bytes), isControl);
        yield return Case("control: comparison that ends at the first difference", bytes => LeakyEquals(bytes, secret), isControl: true);
        yield return Case("FixedTimeEquals, as all comparisons of secrets", bytes => CryptographicOperations.FixedTimeEquals(bytes, secret), isControl: false);
    }

    /// <summary>Whole commands of the engine, on the same state every time.</summary>
    private static IEnumerable<TimingCase> Commands()
    {
        var tpm = new TestTpm();
        TpmNonce ekReset = tpm.NewNonce();
        tpm.Send(
            new CreateRevocableEK(),
            new CreateRevocableEKRequest { AntiReplay = tpm.NewNonce(), KeyInfo = TestTpm.StorageParms, InputEKReset = ekReset });
        byte[] resetRequest = TestTpm.Request(new RevokeTrust(), new RevokeTrustRequest { EKReset = ekReset });
        tpm.TakeOwnership();
        byte[] ownerRequest = TestTpm.Request(new GetCapabilityOwner(), default, tpm.Oiap(TestTpm.OwnerAuth));
        uint bindKey = tpm.LoadWrapped(TpmKeyUsage.Bind);
        TestAuth auth = tpm.Oiap(TestTpm.KeyAuth);
        tpm.AssertPresence();
        yield return OfCommand(
            "authorization of a command (AuthBlock.Verify)",
            "HMAC wrong in the first or the last byte",
            tpm,
            TpmResult.AuthFail,
            which => [Flipped(ownerRequest, which == 0 ? ^TpmAuthData.Size : ^1)]);
        yield return OfCommand(
            "secret of TPM_RevokeTrust",
            "first or last byte wrong",
            tpm,
            TpmResult.AuthFail,
            which => [Flipped(resetRequest, which == 0 ? ^TpmNonce.Size : ^1)]);

        TpmStorePubKey pubKey = tpm.State.Keys.Find(bindKey)!.Key.PubKey;
        var padding = new Paddings(pubKey.Key);
        byte[] UnBind(byte[] ciphertext) => TestTpm.Request(new UnBind(), new UnBindRequest { KeyHandle = bindKey, InData = ciphertext }, auth);
        yield return OfCommand("TPM_UnBind (RSA-2048, OAEP)", "first byte not 0, or label wrong", tpm, TpmResult.DecryptError, which =>
            Many(() => UnBind(which == 0 ? padding.Oaep(first: 1) : padding.Oaep(db => db[5] ^= 1))), 40_000);
    }

    private static IEnumerable<TimingCase> PrivateOperations()
    {
        foreach ((int keyLength, int count) in ((int, int)[])[(1024, 200_000), (2048, 40_000)])
        {
            var padding = new Paddings(keyLength);
            byte[] output = new byte[padding.Key.Size];
            byte[] fixedOne = padding.AnyCiphertext();
            yield return new($"RSA-{keyLength} private operation", "one ciphertext, or any", count,
                which => Many(() => which == 0 ? fixedOne : padding.AnyCiphertext()), bytes => padding.Key.PrivateOperation(bytes, output));
        }
    }

    private static IEnumerable<TimingCase> OaepPaddings()
    {
        var padding = new Paddings(1024);
        byte[] output = new byte[padding.Key.Size];
        TimingCase Case(string classes, Func<byte[]> first, Func<byte[]> second) => new("OAEP decryption, RSA-1024", classes, 200_000,
            which => Many(which == 0 ? first : second), bytes => padding.Key.DecryptOaep(bytes, Paddings.Label, output, out _));
        yield return new(
            "control: OAEP that ends at the first fault, RSA-1024",
            "first byte not 0, or label wrong",
            200_000,
            which => Many(which == 0 ? () => padding.Oaep(first: 1) : () => padding.Oaep(db => db[5] ^= 1)),
            bytes => LeakyOaep(padding.Key, bytes, output),
            IsControl: true);
        yield return Case("first byte not 0, or label wrong", () => padding.Oaep(first: 1), () => padding.Oaep(db => db[5] ^= 1));
        yield return Case("first byte not 0, or no 01", () => padding.Oaep(first: 1), () => padding.Oaep(db => Array.Clear(db, 20, db.Length - 20)));
        yield return Case("label wrong in the first or the last byte", () => padding.Oaep(db => db[0] ^= 1), () => padding.Oaep(db => db[19] ^= 1));
        yield return Case("right, or label wrong", () => padding.Oaep(), () => padding.Oaep(db => db[5] ^= 1));
    }

    private static IEnumerable<TimingCase> Pkcs1Paddings()
    {
        var padding = new Paddings(1024);
        byte[] output = new byte[padding.Key.Size];
        TimingCase Case(string classes, Func<byte[]> first, Func<byte[]> second) => new("PKCS #1 v1.5 decryption, RSA-1024", classes, 200_000,
            which => Many(which == 0 ? first : second), bytes => padding.Key.DecryptPkcs1(bytes, output, out _));
        yield return Case(
            "first byte not 0, or no 00 behind the padding",
            () => padding.Pkcs1(block => block[0] = 1),
            () => padding.Pkcs1(block => block[^(Paddings.MessageLength + 1)] = 1));
        yield return Case("type not 2, or 00 too early", () => padding.Pkcs1(block => block[1] = 1), () => padding.Pkcs1(block => block[5] = 0));
        yield return Case("right, or type not 2", () => padding.Pkcs1(), () => padding.Pkcs1(block => block[1] = 1));
    }

    private static TimingCase OfCommand(string name, string classes, TestTpm tpm, TpmResult expected, Func<int, byte[][]> inputs, int count = 400_000)
    {
        byte[] response = new byte[Tpm12.MaxResponseSize];
        TpmState state = tpm.State;
        foreach (byte[] request in inputs(0).Concat(inputs(1)))
        {
            tpm.Engine.Execute(state, request, 0, response, out _);
            if (TestTpm.ResultOf(response) is var result && result != expected) throw new InvalidOperationException($"{name}: {result}");
        }

        return new TimingCase(name, classes, count, inputs, request => tpm.Engine.Execute(state, request, 0, response, out _));
    }

    private static byte[][] Many(Func<byte[]> make) => [.. Enumerable.Range(0, Variants).Select(_ => make())];

    private static byte[] Flipped(byte[] bytes, Index at)
    {
        byte[] flipped = [.. bytes];
        flipped[at] ^= 0x80;
        return flipped;
    }

    private static bool LeakyEquals(byte[] left, byte[] right)
    {
        for (int i = 0; i < left.Length; i++)
        {
            if (left[i] != right[i]) return false;
        }

        return true;
    }

    /// <summary>What an unpadding must not do (Manger's attack): it unmasks nothing once the first byte is wrong.</summary>
    private static bool LeakyOaep(ITpmRsaPrivateKey key, byte[] ciphertext, byte[] block)
    {
        if (!key.PrivateOperation(ciphertext, block) || block[0] != 0) return false;
        byte[] seed = block[1..21], db = block[21..];
        Paddings.Xor(seed, Paddings.Mgf1(db, seed.Length));
        Paddings.Xor(db, Paddings.Mgf1(seed, db.Length));
        return db.AsSpan(0, 20).SequenceEqual(SHA1.HashData(Paddings.Label));
    }
}
