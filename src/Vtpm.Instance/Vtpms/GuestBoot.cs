using Microsoft.Win32.SafeHandles;
using Vtpm.Engine;
using Vtpm.Storage;

namespace Vtpm.Instance;

/// <summary>The record of a guest's boot, as a vTPM's process has it: what the one before it knew, and where this one writes.</summary>
internal sealed class GuestBoot : IDisposable
{
    private readonly IBlockStore _store;
    private bool _isLost;

    private GuestBoot(IBlockStore store, BootRecord record)
    {
        _store = store;
        Record = record;
    }

    public BootRecord Record { get; }

    public long Length => _store.Length;

    /// <returns>Null when there is to be no record.</returns>
    /// <exception cref="VtpmStartException">There is to be one, and it is none.</exception>
    public static GuestBoot? Open(SafeFileHandle? handle)
    {
        if (handle is null) return null;
        FileBlockStore? store = null;
        try
        {
            store = FileBlockStore.Take(handle, "the record of the guest's boot");
            if (BootRecord.Open(store) is { } record) return new GuestBoot(store, record);
            throw new VtpmStartException("what was handed over as the record of the guest's boot does not say whose it is");
        }
        catch (IOException exception)
        {
            store?.Dispose();
            throw new VtpmStartException($"the record of the guest's boot cannot be read: {exception.Message}", exception);
        }
        catch
        {
            store?.Dispose();
            throw;
        }
    }

    /// <summary>Whether this is not the first process of the boot, whose TPM would be started.</summary>
    public bool Resumes => Record.Content is not null || Record.Origin == BootOrigin.Lost;

    /// <summary>Has the TPM go on where the process before this one was; with a record that is lost, where no boot can be told from any other.</summary>
    public void Resume(Tpm12Engine engine, Action<string> warn)
    {
        if (Record.Content is { } content && TryResume(engine, content, warn)) return;
        warn("NO RECORD OF THE GUEST'S BOOT: it is lost or damaged. PCRs 0 to 15 are such that nothing opens that depends on them, until the guest is restarted");
        engine.Resume(boot: null);
    }

    /// <summary>The record begins with what the TPM has started with: from here on a process that dies is no way to another start.</summary>
    public void Begin(Tpm12Engine engine)
    {
        try
        {
            if (_isLost) Record.Lose();
            Record.Write(engine.BootSnapshot().Span);
        }
        catch (IOException exception)
        {
            throw new VtpmStartException($"the record of the guest's boot cannot be written: {exception.Message}", exception);
        }

        engine.RecordsBoot = true;
    }

    public void Dispose() => _store.Dispose();

    private bool TryResume(Tpm12Engine engine, byte[] content, Action<string> warn)
    {
        try
        {
            engine.Resume(content);
            warn("goes on where the process before it ended: the PCRs are those of the guest's boot");
            return true;
        }
        catch (StateFormatException exception)
        {
            warn(exception.Message);
            _isLost = true;
            return false;
        }
    }
}
