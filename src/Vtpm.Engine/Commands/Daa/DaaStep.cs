using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Daa;

/// <summary>
/// One stage at work: the session as it proposes it, what comes in and goes out, and the steps that several stages are made of. It lives on the stack,
/// and its secrets in memory that is zeroed with the command.
/// </summary>
internal ref struct DaaStep(CommandContext tpm, ReadOnlyMemory<byte> inputData0, ReadOnlyMemory<byte> inputData1)
{
    /// <summary>DAA_power0 and DAA_power1 in bytes: to shift by them, or to keep what is below them, is to cut an array.</summary>
    public const int Power0 = TpmDaaSize.Power0 / 8;
    public const int Power1 = TpmDaaSize.Power1 / 8;

    /// <summary>Bytes of DAA_scratch; a base or a modulus that is longer is no issuer's.</summary>
    public const int ScratchSize = 256;

    private static ReadOnlySpan<byte> One => [1];

    /// <summary>2^DAA_power0.</summary>
    private static ReadOnlySpan<byte> TwoToPower0 => [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    public DaaSessionData Data;

    public readonly CommandContext Tpm => tpm;

    public readonly ReadOnlyMemory<byte> InputData0 => inputData0;

    public readonly ReadOnlyMemory<byte> InputData1 => inputData1;

    /// <summary>Empty unless the stage says otherwise.</summary>
    public ReadOnlyMemory<byte> OutputData { get; private set; }

    public readonly TpmDaaIssuer Issuer => Data.IssuerSettings;

    /// <summary>DAA_join_u0 and DAA_join_u1.</summary>
    public readonly ReadOnlySpan<byte> U0 => Data.JoinSession.DaaJoinU0.Span;

    public readonly ReadOnlySpan<byte> U1 => Data.JoinSession.DaaJoinU1.Span;

    /// <summary>Whether DAA_tpmSpecific belongs to DAA_issuerSettings.</summary>
    public readonly bool IsOfIssuer => Data.TpmSpecific.DaaDigestIssuer == WireFormat.Digest(Data.IssuerSettings);

    public TpmResult Output(ReadOnlyMemory<byte> outputData)
    {
        OutputData = outputData;
        return Success;
    }

    /// <summary>outputData is DAA_scratch, which then is NULL.</summary>
    public TpmResult OutputScratch()
    {
        OutputData = Data.Session.DaaScratch.ToArray();
        Data.Session.DaaScratch = default;
        return Success;
    }

    /// <summary>Whether DAA_scratch is not NULL.</summary>
    public readonly bool HasScratch => Data.Session.DaaScratch.Span.ContainsAnyExcept((byte)0);

    /// <summary>DAA_scratch is a number that is shorter than it.</summary>
    public void KeepNumber(ReadOnlySpan<byte> number)
    {
        byte[] scratch = tpm.Scratch.Allocate(ScratchSize);
        scratch.AsSpan().Clear();
        number.CopyTo(scratch.AsSpan(^number.Length..));
        Data.Session.DaaScratch = scratch;
    }

    /// <summary>DAA_issuerSettings = inputData0, all fields present: a q of zero is none, and would be divided by.</summary>
    /// <returns>TPM_DAA_INPUT_DATA0.</returns>
    public TpmResult ReadIssuerSettings()
    {
        if (WireFormat.Read(InputData0.Span, out TpmDaaIssuer settings) != Success || !settings.DaaGenericQ.Span.ContainsAnyExcept((byte)0)) return DaaInputData0;
        Data.IssuerSettings = settings;
        return Success;
    }

    /// <summary>X^Y mod n in DAA_scratch, X being inputData0 and n inputData1, which must be the issuer's.</summary>
    /// <returns>TPM_DAA_INPUT_DATA0 or TPM_DAA_INPUT_DATA1; the latter also for a modulus that no exponentiation can be done with.</returns>
    public TpmResult Power(TpmDigest digestX, ReadOnlySpan<byte> y)
    {
        if (!IsNumber(InputData0, digestX)) return DaaInputData0;
        if (!IsNumber(InputData1, Issuer.DaaDigestN)) return DaaInputData1;
        byte[] power = tpm.Scratch.Allocate(ScratchSize);
        if (!tpm.Platform.Arithmetic.PowerMod(InputData0.Span, y, InputData1.Span, power)) return DaaInputData1;
        Data.Session.DaaScratch = power;
        return Success;
    }

    /// <summary>Z * X^Y mod n in DAA_scratch, Z being what was there.</summary>
    /// <inheritdoc cref="Power"/>
    public TpmResult TimesPower(TpmDigest digestX, ReadOnlySpan<byte> y)
    {
        ReadOnlyMemory<byte> z = Data.Session.DaaScratch;
        if (Power(digestX, y).Failed(out TpmResult error)) return error;
        byte[] product = tpm.Scratch.Allocate(ScratchSize);
        if (!tpm.Platform.Arithmetic.MultiplyMod(z.Span, Data.Session.DaaScratch.Span, InputData1.Span, product)) return DaaInputData1;
        Data.Session.DaaScratch = product;
        return Success;
    }

    /// <summary>The last of these products: it goes out.</summary>
    /// <inheritdoc cref="Power"/>
    public TpmResult OutputTimesPower(TpmDigest digestX, ReadOnlySpan<byte> y) => TimesPower(digestX, y).Failed(out TpmResult error) ? error : OutputScratch();

    /// <summary>number^<paramref name="exponent"/> mod gamma, gamma being inputData0, which must be the issuer's.</summary>
    /// <returns>TPM_DAA_INPUT_DATA0.</returns>
    public readonly TpmResult PowerModGamma(ReadOnlyMemory<byte> number, ReadOnlySpan<byte> exponent, out byte[] power)
    {
        power = tpm.Scratch.Allocate(ScratchSize);
        bool isDone = IsNumber(InputData0, Issuer.DaaDigestGamma) && tpm.Platform.Arithmetic.PowerMod(number.Span, exponent, InputData0.Span, power);
        return isDone ? Success : DaaInputData0;
    }

    /// <summary>f = (SHA-1(DAA_rekey || DAA_count || 0) || SHA-1(DAA_rekey || DAA_count || 1)) mod q.</summary>
    public readonly ReadOnlySpan<byte> F()
    {
        Span<byte> input = tpm.Scratch.Allocate(TpmDigest.Size + sizeof(uint) + 1);
        Span<byte> hashes = tpm.Scratch.Allocate(2 * TpmDigest.Size);
        Data.TpmSpecific.DaaRekey.ReadOnlySpan.CopyTo(input);
        BinaryPrimitives.WriteUInt32BigEndian(input[TpmDigest.Size..], Data.TpmSpecific.DaaCount);
        input[^1] = 0;
        SHA1.HashData(input, hashes);
        input[^1] = 1;
        SHA1.HashData(input, hashes[TpmDigest.Size..]);
        return ModQ(hashes);
    }

    /// <summary>f mod 2^DAA_power0.</summary>
    public readonly ReadOnlySpan<byte> F0() => F()[^Power0..];

    /// <summary>f shifted right by DAA_power0 bits.</summary>
    public readonly ReadOnlySpan<byte> F1() => F()[..^Power0];

    public readonly ReadOnlySpan<byte> R0() => Mask("r0"u8, TpmDaaSize.R0);

    public readonly ReadOnlySpan<byte> R1() => Mask("r1"u8, TpmDaaSize.R1);

    public readonly ReadOnlySpan<byte> R2() => Mask("r2"u8, TpmDaaSize.R2);

    public readonly ReadOnlySpan<byte> R3() => Mask("r3"u8, TpmDaaSize.R3);

    public readonly ReadOnlySpan<byte> R4() => Mask("r4"u8, TpmDaaSize.R4);

    /// <summary>r = r0 + 2^DAA_power0 * r1 mod q.</summary>
    public readonly ReadOnlySpan<byte> R() => ModQ(MultiplyAdd(TwoToPower0, R1(), R0()));

    /// <summary>r + DAA_digest * secret, over the integers.</summary>
    public readonly ReadOnlySpan<byte> Respond(ReadOnlySpan<byte> r, ReadOnlySpan<byte> secret) =>
        MultiplyAdd(Data.Session.DaaDigest.ReadOnlySpan, secret, r);

    /// <summary>left + right, over the integers.</summary>
    public readonly ReadOnlySpan<byte> Add(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => MultiplyAdd(One, left, right);

    /// <summary>left * right + addend in as many bytes as the longer of the two summands has, and one for the carry.</summary>
    private readonly ReadOnlySpan<byte> MultiplyAdd(scoped ReadOnlySpan<byte> left, scoped ReadOnlySpan<byte> right, scoped ReadOnlySpan<byte> addend)
    {
        Span<byte> sum = tpm.Scratch.Allocate(Math.Max(left.Length + right.Length, addend.Length) + 1);
        bool fits = tpm.Platform.Arithmetic.MultiplyAdd(left, right, addend, sum);
        return fits ? sum : throw new InvalidOperationException("numbers of a DAA session are longer than they can be");
    }

    /// <summary>MGF1 of a label and DAA_contextSeed.</summary>
    private readonly ReadOnlySpan<byte> Mask(ReadOnlySpan<byte> label, int size)
    {
        Span<byte> seed = tpm.Scratch.Allocate(label.Length + TpmNonce.Size);
        label.CopyTo(seed);
        Data.Session.DaaContextSeed.ReadOnlySpan.CopyTo(seed[label.Length..]);
        Span<byte> mask = tpm.Scratch.Allocate(size);
        mask.Clear();
        SymmetricCipher.Mgf1Xor(seed, mask);
        return mask;
    }

    private readonly ReadOnlySpan<byte> ModQ(ReadOnlySpan<byte> number)
    {
        ReadOnlySpan<byte> q = Data.IssuerSettings.DaaGenericQ.Span;
        Span<byte> remainder = tpm.Scratch.Allocate(q.Length);
        bool isDone = tpm.Platform.Arithmetic.Remainder(number, q, remainder);
        return isDone ? remainder : throw new InvalidOperationException("a DAA session has a q of zero");
    }

    /// <summary>Whether an input is the number that the issuer has vouched for; a length that cannot be is not hashed, and not computed with.</summary>
    private static bool IsNumber(ReadOnlyMemory<byte> input, TpmDigest digest) => input.Length <= ScratchSize && TpmDigest.Of(input.Span) == digest;
}
