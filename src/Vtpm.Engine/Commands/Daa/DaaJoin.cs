using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Daa;

/// <summary><c>TPM_DAA_Join</c>, Part 3 §26.1: gets this TPM's f and a blinded certificate of an issuer over it, in 25 stages.</summary>
public sealed class DaaJoin() : DaaCommand(TpmOrdinal.DaaJoin, lastStage: 24)
{
    private const uint IssuerExponent = 65537;

    private protected override TpmResult RunStage(int stage, ref DaaStep step) => stage switch
    {
        0 => Begin(ref step),
        1 => Rekey(ref step),
        2 => ReadIssuer(ref step),
        3 => MakeSecrets(ref step),

        // U = R0^f0 * R1^f1 * S0^u0 * S1^u1 mod n, what the issuer is to certify; U2 proves which endorsement key it is of.
        4 => step.Power(step.Issuer.DaaDigestR0, step.F0()),
        5 => step.TimesPower(step.Issuer.DaaDigestR1, step.F1()),
        6 => step.TimesPower(step.Issuer.DaaDigestS0, step.U0),
        7 => OutputU(ref step),
        8 => OutputU2(ref step),

        // The proof that it is known what U was made of.
        9 => DaaProof.Begin(ref step),
        10 => step.TimesPower(step.Issuer.DaaDigestR1, step.R1()),
        11 => step.TimesPower(step.Issuer.DaaDigestS0, step.R2()),
        12 => step.OutputTimesPower(step.Issuer.DaaDigestS1, step.R3()),
        13 => DaaProof.ReadW(ref step),
        14 => DaaProof.OutputE(ref step),
        15 => DaaProof.OutputE1(ref step),
        16 => DaaProof.Challenge(ref step),
        17 => DaaProof.OutputS0(ref step),
        18 => DaaProof.OutputS1(ref step),
        19 => DaaProof.OutputS2(ref step, step.U0),
        20 => OutputC(ref step),
        21 => DaaProof.OutputS3(ref step, step.R3(), step.U1),

        // The issuer's part of v joins ours, and everything is given out encrypted.
        22 => OutputV0(ref step),
        23 => OutputV1(ref step),
        24 => step.Output(step.Tpm.SealDaa(TpmResourceType.DaaTpm, WireFormat.ToBytes(step.Data.TpmSpecific, step.Tpm.Scratch))),
        _ => TpmResult.DaaStage,
    };

    /// <summary>Actions b and c of the stages; stages 1 and 2 come before there is an issuer.</summary>
    private protected override TpmResult CheckSettings(int stage, in DaaStep step)
    {
        if (stage >= 3 && !step.IsOfIssuer) return DaaIssuerSettings;
        return step.Data.Session.DaaDigestContext == DigestContext(step) ? Success : DaaTpmSettings;
    }

    /// <summary>SHA-1(DAA_tpmSpecific || DAA_joinSession).</summary>
    private protected override TpmDigest DigestContext(in DaaStep step) => step.Tpm.Hash(
        WireFormat.ToBytes(step.Data.TpmSpecific, step.Tpm.Scratch), WireFormat.ToBytes(step.Data.JoinSession, step.Tpm.Scratch));

    /// <summary>Stage 0: DAA_count says how often stage 1 will be run.</summary>
    private static TpmResult Begin(ref DaaStep step)
    {
        if (!ReadCount(ref step) || step.Data.TpmSpecific.DaaCount == 0) return DaaInputData0;
        return Success;
    }

    /// <summary>
    /// Stage 1, run DAA_count times: a chain of the issuer's RSA keys, each signed by the one before it, ends in DAA_scratch. The first gives f.
    /// </summary>
    private static TpmResult Rekey(ref DaaStep step)
    {
        if (step.InputData0.Length != TpmDaaSize.IssuerModulus) return DaaInputData0;
        if (!step.HasScratch)
        {
            TpmDigest n0 = TpmDigest.Of(step.InputData0.Span);
            step.Data.JoinSession.DaaDigestN0 = n0;
            step.Data.TpmSpecific.DaaRekey = step.Tpm.Hash(step.Tpm.PermanentData.DaaSeed!.Span, n0.ReadOnlySpan);
        }
        else
        {
            if (CheckSignature(step, TpmDigest.Of(step.InputData0.Span)).Failed(out TpmResult error)) return error;
        }

        step.Data.Session.DaaScratch = step.InputData0;
        if (--step.Data.TpmSpecific.DaaCount > 0) step.Data.Session.DaaStage = 1;
        return Success;
    }

    /// <summary>Stage 2: the issuer's settings, which the last key of the chain has signed for holders of the first.</summary>
    private static TpmResult ReadIssuer(ref DaaStep step)
    {
        if (step.ReadIssuerSettings().Failed(out TpmResult error)) return error;
        var signedData = TpmDigest.Of([.. step.Data.JoinSession.DaaDigestN0.ReadOnlySpan, .. step.InputData0.Span]);
        if (CheckSignature(step, signedData).Failed(out error)) return error;
        step.Data.TpmSpecific.DaaDigestIssuer = WireFormat.Digest(step.Data.IssuerSettings);
        step.Data.Session.DaaScratch = default;
        return Success;
    }

    /// <summary>Stage 3: DAA_count now tells the certificates of this issuer apart; u0 and u1 blind what it will see.</summary>
    private static TpmResult MakeSecrets(ref DaaStep step)
    {
        if (!ReadCount(ref step)) return DaaInputData0;
        step.Data.JoinSession.DaaJoinU0 = NewNumber(step.Tpm, step.U0.Length);
        step.Data.JoinSession.DaaJoinU1 = NewNumber(step.Tpm, step.U1.Length);
        return Success;
    }

    /// <summary>Stage 7: U = P3 * S1^u1 mod n, and DAA_digest = SHA-1(U || DAA_count || DAA_digest_n0).</summary>
    private static TpmResult OutputU(ref DaaStep step)
    {
        if (step.OutputTimesPower(step.Issuer.DaaDigestS1, step.U1).Failed(out TpmResult error)) return error;
        Span<byte> count = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(count, step.Data.TpmSpecific.DaaCount);
        step.Data.Session.DaaDigest = TpmDigest.Of([.. step.OutputData.Span, .. count, .. step.Data.JoinSession.DaaDigestN0.ReadOnlySpan]);
        return Success;
    }

    /// <summary>Stage 8: only the holder of the endorsement key can read NE, and answer U2 = SHA-1(DAA_digest || NE).</summary>
    private static TpmResult OutputU2(ref DaaStep step)
    {
        if (step.InputData0.Length != TpmDaaSize.NE) return DaaInputData0;
        if (step.Tpm.PermanentData.EndorsementKey is not { } endorsementKey) return NoEndorsement;
        if (step.Tpm.DecryptBytes(endorsementKey, step.InputData0, out ReadOnlyMemory<byte> ne).Failed(out TpmResult error)) return error;
        TpmDigest u2 = step.Tpm.Hash(step.Data.Session.DaaDigest.ReadOnlySpan, ne.Span);
        step.Data.Session.DaaDigest = default;
        return step.Output(u2.ReadOnlySpan.ToArray());
    }

    /// <summary>Stage 20: s12 stays for stage 21, and the issuer is told c.</summary>
    private static TpmResult OutputC(ref DaaStep step)
    {
        DaaProof.KeepS12(ref step, step.U0);
        return step.Output(step.Data.Session.DaaDigest.ReadOnlySpan.ToArray());
    }

    /// <summary>Stage 22: v0 = u2 + u0 mod 2^DAA_power1; what is beyond stays in DAA_scratch.</summary>
    private static TpmResult OutputV0(ref DaaStep step)
    {
        if (step.InputData0.Length != TpmDaaSize.V0) return DaaInputData0;
        ReadOnlySpan<byte> sum = step.Add(step.InputData0.Span, step.U0);
        byte[] v0 = step.Tpm.CopyToScratch(sum[^DaaStep.Power1..]);
        step.Data.TpmSpecific.DaaDigestV0 = TpmDigest.Of(v0);
        step.KeepNumber(sum[..^DaaStep.Power1]);
        return step.Output(step.Tpm.SealDaa(TpmResourceType.DaaV0, v0));
    }

    /// <summary>
    /// Stage 23: v1 = u3 + u1 + v10. An issuer's u3 leaves room for the others; one that makes v1 longer than DAA_SIZE_v1 is none of an issuer's.
    /// </summary>
    private static TpmResult OutputV1(ref DaaStep step)
    {
        if (step.InputData0.Length != TpmDaaSize.V1) return DaaInputData0;
        ReadOnlySpan<byte> sum = step.Add(step.Add(step.InputData0.Span, step.U1), step.Data.Session.DaaScratch.Span);
        if (sum[..^TpmDaaSize.V1].ContainsAnyExcept((byte)0)) return DaaInputData0;
        byte[] v1 = step.Tpm.CopyToScratch(sum[^TpmDaaSize.V1..]);
        step.Data.TpmSpecific.DaaDigestV1 = TpmDigest.Of(v1);
        step.Data.Session.DaaScratch = default;
        return step.Output(step.Tpm.SealDaa(TpmResourceType.DaaV1, v1));
    }

    /// <summary>DAA_count = inputData0, four bytes.</summary>
    private static bool ReadCount(ref DaaStep step) => BinaryPrimitives.TryReadUInt32BigEndian(step.InputData0.Span, out step.Data.TpmSpecific.DaaCount)
        && step.InputData0.Length == sizeof(uint);

    /// <summary>Whether inputData1 is a signature of TPM_SS_RSASSAPKCS1v15_SHA1 by the issuer's key in DAA_scratch.</summary>
    private static TpmResult CheckSignature(in DaaStep step, TpmDigest signedData)
    {
        if (step.InputData1.Length != TpmDaaSize.IssuerModulus) return DaaInputData1;
        bool isValid = step.Tpm.VerifyDigest(step.Data.Session.DaaScratch.Span, IssuerExponent, signedData, step.InputData1.Span);
        return isValid ? Success : DaaIssuerValidity;
    }

    private static byte[] NewNumber(CommandContext tpm, int size)
    {
        byte[] number = tpm.Scratch.Allocate(size);
        tpm.Platform.Random.Fill(number);
        return number;
    }
}
