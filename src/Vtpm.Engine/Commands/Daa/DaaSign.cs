using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Daa;

/// <summary><c>TPM_DAA_Sign</c>, Part 3 §26.2: signs with a certificate from TPM_DAA_Join without telling whose it is, in 16 stages.</summary>
public sealed class DaaSign() : DaaCommand(TpmOrdinal.DaaSign, lastStage: 15)
{
    /// <summary>What selects the thing signed, at stage 10; it also goes into the digest.</summary>
    private const byte SelectsIdentityKey = 0;
    private const byte SelectsMessage = 1;

    private protected override TpmResult RunStage(int stage, ref DaaStep step) => stage switch
    {
        0 => step.ReadIssuerSettings(),
        1 => ReadTpmSpecific(ref step),

        // The proof that f, v0 and v1 are known.
        2 => DaaProof.Begin(ref step),
        3 => step.TimesPower(step.Issuer.DaaDigestR1, step.R1()),
        4 => step.TimesPower(step.Issuer.DaaDigestS0, step.R2()),
        5 => step.OutputTimesPower(step.Issuer.DaaDigestS1, step.R4()),
        6 => DaaProof.ReadW(ref step),
        7 => DaaProof.OutputE(ref step),
        8 => DaaProof.OutputE1(ref step),
        9 => DaaProof.Challenge(ref step),
        10 => OutputC(ref step),
        11 => DaaProof.OutputS0(ref step),
        12 => DaaProof.OutputS1(ref step),
        13 => ReadV0(step, out ReadOnlyMemory<byte> v0).Failed(out TpmResult error) ? error : DaaProof.OutputS2(ref step, v0.Span),
        14 => KeepS12(ref step),
        15 => ReadV1(step, out ReadOnlyMemory<byte> v1).Failed(out TpmResult error) ? error : DaaProof.OutputS3(ref step, step.R4(), v1.Span),
        _ => TpmResult.DaaStage,
    };

    /// <summary>Actions b and c of the stages; stage 1 brings what they are about.</summary>
    private protected override TpmResult CheckSettings(int stage, in DaaStep step)
    {
        if (stage == 1) return Success;
        if (!step.IsOfIssuer) return DaaIssuerSettings;
        return step.Data.Session.DaaDigestContext == DigestContext(step) ? Success : DaaTpmSettings;
    }

    /// <summary>SHA-1(DAA_tpmSpecific).</summary>
    private protected override TpmDigest DigestContext(in DaaStep step) => WireFormat.Digest(step.Data.TpmSpecific);

    /// <summary>Stage 1: DAA_tpmSpecific as TPM_DAA_Join has given it out; it must be of the issuer of stage 0.</summary>
    private static TpmResult ReadTpmSpecific(ref DaaStep step)
    {
        if (step.Tpm.OpenDaa(TpmResourceType.DaaTpm, step.InputData0, out ReadOnlyMemory<byte> tpmSpecific).Failed(out TpmResult error)) return error;
        if (WireFormat.Read(tpmSpecific.Span, out step.Data.TpmSpecific) != Success) return DaaInputData0;
        return step.IsOfIssuer ? Success : DaaIssuerSettings;
    }

    /// <summary>Stage 10: c = SHA-1(c || 1 || m) for a message m, or SHA-1(c || 0 || n2) for the modulus n2 of an identity key of this TPM.</summary>
    private static TpmResult OutputC(ref DaaStep step)
    {
        ReadOnlySpan<byte> selector = step.InputData0.Span;
        ReadOnlyMemory<byte> signed = step.InputData1;
        switch (selector)
        {
            case [SelectsMessage]:
                if (signed.Length != TpmDigest.Size) return DaaInputData1;
                break;
            case [SelectsIdentityKey]:
                if (!TryFindIdentity(step, out LoadedKey identity)) return DaaInputData1;
                signed = identity.Key.PubKey.Key;
                break;
            default:
                return DaaInputData0;
        }

        step.Data.Session.DaaDigest = TpmDigest.Of([.. step.Data.Session.DaaDigest.ReadOnlySpan, .. selector, .. signed.Span]);
        return step.Output(step.Data.Session.DaaDigest.ReadOnlySpan.ToArray());
    }

    /// <summary>The identity key whose handle is inputData1. Its PCRs count as for whoever reads its public half.</summary>
    private static bool TryFindIdentity(in DaaStep step, out LoadedKey identity)
    {
        identity = null!;
        if (step.InputData1.Length != sizeof(uint)) return false;
        if (step.Tpm.FindKey(BinaryPrimitives.ReadUInt32BigEndian(step.InputData1.Span), out identity) != Success) return false;
        if (identity.Usage != TpmKeyUsage.Identity) return false;
        bool ignoresPcrs = identity.Key.KeyFlags.HasFlag(TpmKeyFlags.PcrIgnoredOnRead);
        return ignoresPcrs || identity.Binding.Check(step.Tpm.State.Pcrs, step.Tpm.LocalityBit) == Success;
    }

    private static TpmResult KeepS12(ref DaaStep step)
    {
        if (ReadV0(step, out ReadOnlyMemory<byte> v0).Failed(out TpmResult error)) return error;
        DaaProof.KeepS12(ref step, v0.Span);
        return Success;
    }

    /// <summary>DAA_private_v0, which belongs to DAA_tpmSpecific.</summary>
    private static TpmResult ReadV0(in DaaStep step, out ReadOnlyMemory<byte> v0)
    {
        if (step.Tpm.OpenDaa(TpmResourceType.DaaV0, step.InputData0, out v0).Failed(out TpmResult error)) return error;
        return TpmDigest.Of(v0.Span) == step.Data.TpmSpecific.DaaDigestV0 ? Success : DaaInputData0;
    }

    /// <summary>DAA_private_v1, likewise.</summary>
    private static TpmResult ReadV1(in DaaStep step, out ReadOnlyMemory<byte> v1)
    {
        if (step.Tpm.OpenDaa(TpmResourceType.DaaV1, step.InputData0, out v1).Failed(out TpmResult error)) return error;
        return TpmDigest.Of(v1.Span) == step.Data.TpmSpecific.DaaDigestV1 ? Success : DaaInputData0;
    }
}
