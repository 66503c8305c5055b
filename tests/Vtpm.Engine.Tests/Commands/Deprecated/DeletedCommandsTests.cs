using System.Buffers.Binary;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Deprecated;

/// <summary>Part 3 §28, and the ordinals that Part 2 §17 marks as deleted or that never were commands.</summary>
public class DeletedCommandsTests
{
    public static TheoryData<TpmOrdinal> Deleted =>
    [
        TpmOrdinal.CertifySelfTest, TpmOrdinal.GetCapabilitySigned, TpmOrdinal.GetOrdinalAuditStatus, TpmOrdinal.GetAuditEvent, TpmOrdinal.GetAuditEventSigned,
    ];

    /// <summary>Whatever the number of sessions and whatever state the TPM is in.</summary>
    [Theory]
    [MemberData(nameof(Deleted))]
    public void Deleted_Action1_AnyTagInAnyState_BadOrdinal(TpmOrdinal ordinal)
    {
        var fresh = new TestTpm(started: false);
        var owned = new TestTpm();
        owned.TakeOwnership();
        var disabled = new TestTpm();
        disabled.SetPermanentFlags(flags => flags with { Disable = true });
        foreach (TestTpm tpm in (TestTpm[])[fresh, owned, disabled])
        {
            for (byte tag = 0xC1; tag <= 0xC3; tag++) Assert.Equal(TpmResult.BadOrdinal, ResultOf(tpm, tag, ordinal));
        }

        Assert.Equal([0], owned.GetCapability(TpmCapability.Ord, (uint)ordinal));
    }

    /// <summary>TPM_Init, Part 3 §3.1, is what the platform does to the TPM, and nothing that anybody can send.</summary>
    [Fact]
    public void Init_Sent_BadOrdinalAndNothingIsReset()
    {
        var tpm = new TestTpm();
        TpmState before = tpm.State;
        Assert.Equal(TpmResult.BadOrdinal, ResultOf(tpm, 0xC1, TpmOrdinal.Init));
        Assert.Same(before, tpm.State);
        Assert.Equal([0], tpm.GetCapability(TpmCapability.Ord, (uint)TpmOrdinal.Init));
    }

    private static TpmResult ResultOf(TestTpm tpm, byte tag, TpmOrdinal ordinal)
    {
        byte[] request = [0, tag, 0, 0, 0, 0, 0, 0, 0, 0, .. new byte[90]];
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(2), request.Length);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(6), (uint)ordinal);
        return TestTpm.ResultOf(tpm.Execute(request));
    }
}
