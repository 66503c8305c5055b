using System.Security.Cryptography;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Delegation;

/// <summary>A delegation blob taken apart byte by byte, and what others than the engine make of it.</summary>
internal static class DelegationBlob
{
    /// <summary>TPM_DELEGATE_PUBLIC with a selection of no bytes.</summary>
    private const int PublicSize = 2 + 1 + (2 + 1 + 20) + (2 + 4 + 4 + 4) + 4 + 4;

    /// <summary>Part 2 §20.12 and §20.13: the fields, an integrity digest that is an HMAC under tpmProof, and the secret under the delegate key.</summary>
    public static void Check(TestTpm tpm, byte[] blob, string tag, TpmDelegatePublic pub, byte[] expectedKeyDigest)
    {
        Assert.Equal(tag, Convert.ToHexStringLower(blob[..2]));
        Assert.Equal(PublicBytes(pub), blob[2..(2 + PublicSize)]);
        int at = 2 + PublicSize;
        byte[] integrity = blob[at..(at + 20)];
        byte[] covered = [.. blob.AsSpan(0, at), .. new byte[20], .. blob.AsSpan(at + 20)];
        Assert.Equal(HMACSHA1.HashData(tpm.State.Permanent.Data.TpmProof.Span, covered), integrity);
        at += 20;
        Assert.Equal(expectedKeyDigest, blob[at..(at + expectedKeyDigest.Length)]);
        at += expectedKeyDigest.Length;
        Assert.Equal("00000010", Convert.ToHexStringLower(blob[at..(at + 4)]));
        byte[] counter = blob[(at + 4)..(at + 20)];
        at += 20;
        Assert.Equal("00000016", Convert.ToHexStringLower(blob[at..(at + 4)]));
        byte[] sensitive = Witness.AesCtr(tpm.State.Permanent.Data.DelegateKey.Span, counter, blob.AsSpan(at + 4));
        Assert.Equal([0x00, 0x26, .. TestTpm.DelegateAuth], sensitive);
    }

    /// <summary>Part 2 §20.8, without the wire's own code.</summary>
    private static byte[] PublicBytes(TpmDelegatePublic pub)
    {
        string type = pub.Permissions.DelegateType == TpmDelegateType.OwnerBits ? "00000001" : "00000002";
        string pcrInfo = "0000" + ((int)pub.PcrInfo.LocalityAtRelease).ToString("x2", null) + new string('0', 40);
        string permissions = $"001a{type}{pub.Permissions.Per1:x8}00000000";
        return Convert.FromHexString($"001b{pub.RowLabel:x2}{pcrInfo}{permissions}{pub.FamilyId:x8}{pub.VerificationCount:x8}");
    }
}
