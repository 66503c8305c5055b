using Vtpm.Wire;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.TestKit.Daa;

/// <summary>Inputs of a stage that must be refused, and with what.</summary>
public sealed record DaaFault(string Name, int Stage, byte[] InputData0, byte[] InputData1, TpmResult Result)
{
    private static DaaIssuer Issuer => TestTpm.Issuer;

    /// <summary>Of TPM_DAA_Join, run with <see cref="DaaInput.Join"/> up to the stage.</summary>
    public static IReadOnlyList<DaaFault> OfJoin(in TpmPubKey ek)
    {
        var faults = new List<DaaFault>
        {
            new("count of three bytes", 0, [0, 0, 1], [], TpmResult.DaaInputData0),
            new("count of five bytes", 0, [0, 0, 0, 0, 1], [], TpmResult.DaaInputData0),
            new("no count", 0, [], [], TpmResult.DaaInputData0),
            new("count of zero", 0, new byte[4], [], TpmResult.DaaInputData0),
            new("n0 too short", 1, Issuer.KeyModulus(0)[1..], [], TpmResult.DaaInputData0),
            new("n0 too long", 1, [0, .. Issuer.KeyModulus(0)], [], TpmResult.DaaInputData0),
            new("settings cut off", 2, Issuer.Settings()[..^1], Issuer.SignSettings(0, Issuer.Settings()), TpmResult.DaaInputData0),
            new("settings too long", 2, [.. Issuer.Settings(), 0], Issuer.SignSettings(0, Issuer.Settings()), TpmResult.DaaInputData0),
            new("settings of another tag", 2, [0, 0x30, .. Issuer.Settings()[2..]], Issuer.SignSettings(0, Issuer.Settings()), TpmResult.DaaInputData0),
            new("signature too short", 2, Issuer.Settings(), Issuer.SignSettings(0, Issuer.Settings())[1..], TpmResult.DaaInputData1),
            new("no signature", 2, Issuer.Settings(), [], TpmResult.DaaInputData1),
            new("signature of another key", 2, Issuer.Settings(), Issuer.SignSettings(1, Issuer.Settings()), TpmResult.DaaIssuerValidity),
            new("signature of other settings", 2, Issuer.Settings(n: [15]), Issuer.SignSettings(0, Issuer.Settings()), TpmResult.DaaIssuerValidity),
            new("count of three bytes", 3, [0, 0, 1], [], TpmResult.DaaInputData0),
            new("NE too short", 8, DaaInput.Join(8, ek).InputData0[1..], [], TpmResult.DaaInputData0),
            new("NE for nobody", 8, new byte[256], [], TpmResult.DecryptError),
            new("c1 too long", 16, new byte[21], [], TpmResult.DaaInputData0),
            new("u2 too short", 22, new byte[127], [], TpmResult.DaaInputData0),
            new("u2 too long", 22, new byte[129], [], TpmResult.DaaInputData0),
            new("u3 too short", 23, new byte[191], [], TpmResult.DaaInputData0),
            new("u3 too long", 23, new byte[193], [], TpmResult.DaaInputData0),
        };
        foreach (int stage in (int[])[4, 5, 6, 7, 9, 10, 11, 12]) faults.AddRange(OfPower(stage, DaaInput.Join(stage, ek)));
        faults.AddRange(OfGamma(13, 14, 15));
        return faults;
    }

    /// <summary>Of TPM_DAA_Sign, run with <see cref="DaaInput.Sign"/> up to the stage.</summary>
    public static IReadOnlyList<DaaFault> OfSign(DaaBlobs blobs)
    {
        var faults = new List<DaaFault>
        {
            new("settings cut off", 0, Issuer.Settings()[..^1], [], TpmResult.DaaInputData0),
            new("settings too long", 0, [.. Issuer.Settings(), 0], [], TpmResult.DaaInputData0),
            new("c1 too short", 9, new byte[19], [], TpmResult.DaaInputData0),
            new("no selector", 10, [], new byte[20], TpmResult.DaaInputData0),
            new("selector of two bytes", 10, [0, 1], new byte[20], TpmResult.DaaInputData0),
            new("selector of neither", 10, [2], new byte[20], TpmResult.DaaInputData0),
            new("message too short", 10, [1], new byte[19], TpmResult.DaaInputData1),
            new("handle of three bytes", 10, [0], new byte[3], TpmResult.DaaInputData1),
            new("handle of no key", 10, [0], [1, 2, 3, 4], TpmResult.DaaInputData1),
            new("handle of a key that is no identity", 10, [0], [0x40, 0, 0, 0], TpmResult.DaaInputData1),
        };
        foreach ((int stage, byte[] blob, byte[] other) in (ReadOnlySpan<(int, byte[], byte[])>)
            [
                (1, blobs.TpmSpecific, blobs.V0), (13, blobs.V0, blobs.V1), (14, blobs.V0, blobs.TpmSpecific), (15, blobs.V1, blobs.V0),
            ])
        {
            faults.Add(new DaaFault("no blob", stage, [], [], TpmResult.DaaInputData0));
            faults.Add(new DaaFault("blob of another type", stage, other, [], TpmResult.DaaInputData0));
            faults.Add(new DaaFault("blob cut off", stage, blob[..^1], [], TpmResult.DaaInputData0));
            foreach (int at in (int[])[5, 12, 30, 44, blob.Length - 1]) faults.Add(new DaaFault($"blob changed at {at}", stage, Flipped(blob, at), [], TpmResult.DaaInputData0));
        }

        foreach (int stage in (int[])[2, 3, 4, 5]) faults.AddRange(OfPower(stage, DaaInput.Sign(stage, blobs)));
        faults.AddRange(OfGamma(6, 7, 8));
        return faults;
    }

    private static IEnumerable<DaaFault> OfPower(int stage, (byte[] Number, byte[] Modulus) input) =>
    [
        new("another base", stage, Flipped(input.Number, 255), input.Modulus, TpmResult.DaaInputData0),
        new("no base", stage, [], input.Modulus, TpmResult.DaaInputData0),
        new("base with a zero more", stage, [0, .. input.Number], input.Modulus, TpmResult.DaaInputData0),
        new("base of 1500 bytes", stage, new byte[1500], input.Modulus, TpmResult.DaaInputData0),
        new("another modulus", stage, input.Number, Flipped(input.Modulus, 255), TpmResult.DaaInputData1),
        new("no modulus", stage, input.Number, [], TpmResult.DaaInputData1),
        new("modulus of 1500 bytes", stage, input.Number, new byte[1500], TpmResult.DaaInputData1),
    ];

    private static IEnumerable<DaaFault> OfGamma(int readW, int powerF, int powerR)
    {
        byte[] gamma = Bytes(Issuer.Gamma), w = Bytes(Issuer.Zeta);
        yield return new DaaFault("w too short", readW, gamma, w[1..], TpmResult.DaaInputData1);
        yield return new DaaFault("w too long", readW, gamma, [0, .. w], TpmResult.DaaInputData1);
        yield return new DaaFault("w of another order", readW, gamma, Bytes(2), TpmResult.DaaWrongW);
        yield return new DaaFault("w of zero", readW, gamma, new byte[256], TpmResult.DaaWrongW);
        foreach (int stage in (int[])[readW, powerF, powerR])
        {
            byte[] inputData1 = stage == readW ? w : [];
            yield return new DaaFault("another gamma", stage, Flipped(gamma, 255), inputData1, TpmResult.DaaInputData0);
            yield return new DaaFault("no gamma", stage, [], inputData1, TpmResult.DaaInputData0);
            yield return new DaaFault("gamma of 1500 bytes", stage, new byte[1500], inputData1, TpmResult.DaaInputData0);
        }
    }

    private static byte[] Flipped(byte[] bytes, int at)
    {
        byte[] flipped = [.. bytes];
        flipped[at] ^= 1;
        return flipped;
    }
}
