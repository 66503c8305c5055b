using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Daa;

/// <summary>
/// The stages that TPM_DAA_Join and TPM_DAA_Sign have in common: the proof that the TPM knows its f, in the three moves of such a proof. The numbers are
/// those of Join, then of Sign.
/// </summary>
internal static class DaaProof
{
    /// <summary>Stages 9 and 2: a new DAA_contextSeed, from which r0 to r4 come; then P1 = R0^r0 mod n.</summary>
    public static TpmResult Begin(ref DaaStep step)
    {
        step.Data.Session.DaaContextSeed = step.Tpm.NewNonce();
        return step.Power(step.Issuer.DaaDigestR0, step.R0());
    }

    /// <summary>Stages 13 and 6: takes the base of the pseudonym, which must have the order q.</summary>
    public static TpmResult ReadW(ref DaaStep step)
    {
        if (step.InputData1.Length != TpmDaaSize.W) return DaaInputData1;
        if (step.PowerModGamma(step.InputData1, step.Issuer.DaaGenericQ.Span, out byte[] w1).Failed(out TpmResult error)) return error;
        bool isOne = w1[^1] == 1 && !w1.AsSpan(..^1).ContainsAnyExcept((byte)0);
        if (!isOne) return DaaWrongW;
        step.Data.Session.DaaScratch = step.InputData1;
        return Success;
    }

    /// <summary>Stages 14 and 7: E = w^f mod gamma, the pseudonym. w stays.</summary>
    public static TpmResult OutputE(ref DaaStep step) =>
        step.PowerModGamma(step.Data.Session.DaaScratch, step.F(), out byte[] e).Failed(out TpmResult error) ? error : step.Output(e.ToArray());

    /// <summary>Stages 15 and 8: E1 = w^r mod gamma, with r = r0 + 2^DAA_power0 * r1 mod q.</summary>
    public static TpmResult OutputE1(ref DaaStep step)
    {
        if (step.PowerModGamma(step.Data.Session.DaaScratch, step.R(), out byte[] e1).Failed(out TpmResult error)) return error;
        step.Data.Session.DaaScratch = e1;
        return step.OutputScratch();
    }

    /// <summary>Stages 16 and 9: the challenge c1 of the host, and a nonce of the TPM's own: DAA_digest = SHA-1(c1 || NT).</summary>
    public static TpmResult Challenge(ref DaaStep step)
    {
        if (step.InputData0.Length != TpmDigest.Size) return DaaInputData0;
        TpmNonce nt = step.Tpm.NewNonce();
        step.Data.Session.DaaDigest = TpmDigest.Of([.. step.InputData0.Span, .. nt.ReadOnlySpan]);
        return step.Output(nt.ReadOnlySpan.ToArray());
    }

    /// <summary>Stages 17 and 11: s0 = r0 + c * f0, over the integers.</summary>
    public static TpmResult OutputS0(ref DaaStep step) => step.Output(step.Respond(step.R0(), step.F0())[^(TpmDaaSize.R0 + 1)..].ToArray());

    /// <summary>Stages 18 and 12: s1 = r1 + c * f1, over the integers.</summary>
    public static TpmResult OutputS1(ref DaaStep step) => step.Output(step.Respond(step.R1(), step.F1())[^(TpmDaaSize.R1 + 1)..].ToArray());

    /// <summary>Stages 19 and 13: s2 = r2 + c * <paramref name="secret"/> mod 2^DAA_power1; the secret is u0 for Join, v0 for Sign.</summary>
    public static TpmResult OutputS2(ref DaaStep step, ReadOnlySpan<byte> secret) => step.Output(step.Respond(step.R2(), secret)[^DaaStep.Power1..].ToArray());

    /// <summary>Stages 20 and 14: s12, what s2 has lost of r2 + c * <paramref name="secret"/>, in DAA_scratch.</summary>
    public static void KeepS12(ref DaaStep step, ReadOnlySpan<byte> secret) => step.KeepNumber(step.Respond(step.R2(), secret)[..^DaaStep.Power1]);

    /// <summary>Stages 21 and 15: s3 = <paramref name="r"/> + c * <paramref name="secret"/> + s12; they are r3 and u1 for Join, r4 and v1 for Sign.</summary>
    public static TpmResult OutputS3(ref DaaStep step, ReadOnlySpan<byte> r, ReadOnlySpan<byte> secret)
    {
        ReadOnlySpan<byte> s3 = step.Add(step.Respond(r, secret), step.Data.Session.DaaScratch.Span);
        step.Data.Session.DaaScratch = default;
        return step.Output(s3[^(r.Length + 1)..].ToArray());
    }
}
