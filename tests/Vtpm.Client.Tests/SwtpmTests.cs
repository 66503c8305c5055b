using System.Security.Cryptography;

using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>Every command of the client against a TPM that nobody here has made.</summary>
public sealed class SwtpmTests : IDisposable
{
    private readonly Swtpm _swtpm = new();
    private readonly TpmClient _tpm;
    private readonly TpmSecret _owner = TpmSecret.Parse("text:owner");
    private readonly TpmSecret _srk = TpmSecret.WellKnown();

    public SwtpmTests() => _tpm = Connect();

    public void Dispose()
    {
        _tpm.Dispose();
        _swtpm.Dispose();
        _owner.Dispose();
        _srk.Dispose();
    }

    [Fact]
    public void Owner_FromNothing_SealsQuotesAndSigns()
    {
        Assert.Equal(TpmResult.NoEndorsement, Assert.Throws<TpmCommandException>(() => _tpm.ReadPubek()).Result);
        TpmPubKey ek = _tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey);
        Assert.Equal(WireFormat.ToBytes(ek), WireFormat.ToBytes(_tpm.ReadPubek()));
        TpmKey srk = _tpm.TakeOwnership(ek, _owner, _srk, TpmKeys.StorageRootKey);
        Assert.Equal(256, srk.PubKey.Key.Length);
        using (TpmSession owner = _tpm.Oiap(_owner)) Assert.Equal(WireFormat.ToBytes(ek), WireFormat.ToBytes(_tpm.OwnerReadInternalPub(TpmKeyHandle.EK, owner)));
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => _tpm.ReadPubek()).Result);
    }

    private TpmClient Connect() => new(TpmConnection.Open(TpmAddress.Unix(_swtpm.SocketPath)));
}
