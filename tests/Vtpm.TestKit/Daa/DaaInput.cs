using Vtpm.Wire;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.TestKit.Daa;

/// <summary>The inputs of every stage when nobody looks at the proofs: enough to get anywhere.</summary>
public static class DaaInput
{
    /// <summary>What <see cref="TestTpm.Issuer"/> and a host give a Join that goes well; the issuer's chain has one key.</summary>
    public static (byte[] InputData0, byte[] InputData1) Join(int stage, in TpmPubKey ek)
    {
        byte[] n = Bytes(TestTpm.Issuer.N), gamma = Bytes(TestTpm.Issuer.Gamma);
        return stage switch
        {
            0 => ([0, 0, 0, 1], []),
            1 => (TestTpm.Issuer.KeyModulus(0), []),
            2 => (TestTpm.Issuer.Settings(), TestTpm.Issuer.SignSettings(0, TestTpm.Issuer.Settings())),
            3 => ([0, 0, 0, 7], []),
            4 or 9 => (Bytes(TestTpm.Issuer.R0), n),
            5 or 10 => (Bytes(TestTpm.Issuer.R1), n),
            6 or 11 => (Bytes(TestTpm.Issuer.S), n),
            7 or 12 => (Bytes(TestTpm.Issuer.S1), n),
            8 => (TestTpm.EncryptOaep(ek, new byte[20]), []),
            13 => (gamma, Bytes(TestTpm.Issuer.Zeta)),
            14 or 15 => (gamma, []),
            16 => (new byte[20], []),
            22 => ([.. Enumerable.Repeat((byte)0xC3, 128)], []),
            23 => ([.. new byte[3], .. Enumerable.Repeat((byte)0x5A, 189)], []),
            _ => ([], []),
        };
    }

    /// <summary>What a host gives a Sign that goes well, with what a Join has given out.</summary>
    public static (byte[] InputData0, byte[] InputData1) Sign(int stage, DaaBlobs blobs)
    {
        byte[] n = Bytes(TestTpm.Issuer.N), gamma = Bytes(TestTpm.Issuer.Gamma);
        return stage switch
        {
            0 => (TestTpm.Issuer.Settings(), []),
            1 => (blobs.TpmSpecific, []),
            2 => (Bytes(TestTpm.Issuer.R0), n),
            3 => (Bytes(TestTpm.Issuer.R1), n),
            4 => (Bytes(TestTpm.Issuer.S), n),
            5 => (Bytes(TestTpm.Issuer.S1), n),
            6 => (gamma, Bytes(TestTpm.Issuer.Zeta)),
            7 or 8 => (gamma, []),
            9 => (new byte[20], []),
            10 => ([1], new byte[20]),
            13 or 14 => (blobs.V0, []),
            15 => (blobs.V1, []),
            _ => ([], []),
        };
    }
}

/// <summary>enc(DAA_tpmSpecific), enc(v0) and enc(v1).</summary>
public sealed record DaaBlobs(byte[] TpmSpecific, byte[] V0, byte[] V1);
